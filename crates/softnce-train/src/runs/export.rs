//! Files for other programs: the formats, and the Python that loads them.

use std::path::Path;

use softnce_nn::models::Library;
use softnce_nn::weights;

use super::error::RunError;
use super::setup;
use super::train::weights_metadata;
use super::trained::TrainedRun;

/// A format of exported weights, named by the ending of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportFormat {
    /// Tensors under timm's or torchvision's names.
    Safetensors,
    /// The network as an ONNX graph.
    Onnx,
}

impl ExportFormat {
    /// All formats, each with the ending of its files.
    pub const ALL: [(ExportFormat, &str); 2] =
        [(ExportFormat::Safetensors, "safetensors"), (ExportFormat::Onnx, "onnx")];

    /// The format of a file by its ending.
    ///
    /// # Errors
    /// [`RunError::Data`] for another ending.
    pub fn of(path: &Path) -> Result<ExportFormat, RunError> {
        let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase());
        let known = ExportFormat::ALL.iter().find(|(_, known)| ending.as_deref() == Some(*known));
        known.map(|(format, _)| *format).ok_or_else(|| {
            let endings = ExportFormat::ALL.map(|(_, ending)| format!(".{ending}"));
            RunError::Data {
                argument: "the file to export to",
                found: path.display().to_string(),
                expected: format!("a name that ends in {}", endings.join(" or ")),
            }
        })
    }
}

impl TrainedRun {
    /// Writes the network in the format that the file's ending names: `.safetensors` with the weights under the names of this
    /// library, or `.onnx`. Equal weights give equal bytes.
    ///
    /// The metadata of both hold the names of the classes, the temperature, the normalisation, the size of the pictures and
    /// the recipe.
    ///
    /// # Errors
    /// Another ending; a network that ONNX cannot hold; a file that cannot be written.
    pub fn export(&self, path: &Path, names: Library) -> Result<(), RunError> {
        let format = ExportFormat::of(path)?;
        let json = |value: serde_json::Value| value.to_string();
        let statistics = self.recipe().augmentation.normalisation.statistics();
        let mut metadata =
            weights_metadata(self.recipe(), self.temperature(), ("classes", json(self.classes().into())))?;
        metadata.insert("mean".to_owned(), json(statistics.mean.into()));
        metadata.insert("std".to_owned(), json(statistics.std.into()));
        metadata.insert("size".to_owned(), json(self.recipe().augmentation.size.to_vec().into()));
        match format {
            ExportFormat::Safetensors => {
                let tensors = weights::named(self.network())?;
                let tensors = match names {
                    Library::Timm => tensors,
                    Library::Torchvision => weights::with_torchvision_names(tensors)?,
                };
                weights::write_safetensors(path, &tensors, &metadata)?;
            }
            ExportFormat::Onnx if names != Library::Timm => {
                let (found, expected) = (names.to_string(), "no such option for an .onnx file".to_owned());
                return Err(RunError::Data { argument: "--names", found, expected });
            }
            ExportFormat::Onnx => {
                let (input, classes) = (setup::input(self.recipe()), self.classes().len());
                weights::write_onnx(path, self.network(), input, classes, &metadata)?;
            }
        }
        Ok(())
    }

    /// A program in Python that loads an exported file and predicts with it: its function `probabilities` takes pictures of
    /// PIL and returns an array of shape `[pictures, classes]`.
    ///
    /// # Errors
    /// Another ending; a network that the library does not have.
    pub fn python(&self, path: &Path, names: Library) -> Result<String, RunError> {
        let (recipe, input, classes) = (self.recipe(), setup::input(self.recipe()), self.classes().len());
        // A text in JSON is one in Python, too.
        let name = serde_json::Value::from(path.to_string_lossy()).to_string();
        let mode = if input[0] == 1 { "L" } else { "RGB" };
        let mut lines = vec![format!("# {}", recipe.network.describe(input, classes))];
        match ExportFormat::of(path)? {
            ExportFormat::Safetensors => {
                let model = recipe.network.python(input, classes, names)?;
                let used = |module: &&str| model.iter().any(|line| line.contains(&format!("{module}.")));
                let modules: Vec<&str> = ["collections", "functools", "torchvision"].into_iter().filter(used).collect();
                let modules: Vec<&str> =
                    ["json"].into_iter().chain(modules).chain(["safetensors", "timm", "torch"]).collect();
                lines.push(format!("import {}", modules.join(", ")));
                lines.push(format!("with safetensors.safe_open({name}, \"pt\") as file:"));
                lines.push("    weights = {name: file.get_tensor(name) for name in file.keys()}".to_owned());
                lines.push("    about = file.metadata()".to_owned());
                lines.extend(model);
                lines.push("model.eval()".to_owned());
                lines.extend(self.transform_in_python(input));
                lines.push("@torch.no_grad()".to_owned());
                lines.push("def probabilities(pictures):".to_owned());
                lines.push(format!(
                    "    batch = torch.stack([transform(picture.convert(\"{mode}\")) for picture in pictures])"
                ));
                lines.push("    return (model(batch) / temperature).softmax(1)".to_owned());
            }
            ExportFormat::Onnx => {
                lines.push("import json, numpy, onnxruntime, timm".to_owned());
                lines.push(format!("session = onnxruntime.InferenceSession({name})"));
                lines.push("about = session.get_modelmeta().custom_metadata_map".to_owned());
                lines.extend(self.transform_in_python(input));
                lines.push("def probabilities(pictures):".to_owned());
                lines.push(format!(
                    "    batch = [transform(picture.convert(\"{mode}\")).numpy() for picture in pictures]"
                ));
                lines.push(
                    "    logits = session.run([\"logits\"], {\"pictures\": numpy.stack(batch)})[0] / temperature"
                        .to_owned(),
                );
                lines.push("    shares = numpy.exp(logits - logits.max(1, keepdims=True))".to_owned());
                lines.push("    return shares / shares.sum(1, keepdims=True)".to_owned());
            }
        }
        lines.push(String::new());
        Ok(lines.join("\n"))
    }

    /// The names of the classes, the temperature, and the transform from a picture to the network's input.
    fn transform_in_python(&self, [channels, height, width]: [usize; 3]) -> Vec<String> {
        let evaluation = &self.recipe().augmentation.evaluation;
        let interpolation = serde_json::to_value(evaluation.interpolation).unwrap_or_default();
        vec![
            "classes, temperature = json.loads(about[\"classes\"]), float(about[\"temperature\"])".to_owned(),
            format!(
                "transform = timm.data.create_transform(({channels}, {height}, {width}), interpolation={interpolation},"
            ),
            format!("    crop_pct={:?}, crop_mode=\"center\",", evaluation.crop_ratio),
            "    mean=json.loads(about[\"mean\"]), std=json.loads(about[\"std\"]))".to_owned(),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ending_names_the_format_and_others_are_refused() {
        assert_eq!(ExportFormat::of(Path::new("a/w.safetensors")).unwrap(), ExportFormat::Safetensors);
        assert_eq!(ExportFormat::of(Path::new("W.ONNX")).unwrap(), ExportFormat::Onnx);
        for name in ["w.pth", "w", "safetensors", ".onnx", "w.safetensors.gz", "w.bin"] {
            let error = ExportFormat::of(Path::new(name)).unwrap_err();
            assert!(error.is_usage());
            assert_eq!(
                error.to_string(),
                format!("the file to export to is {name}, expected a name that ends in .safetensors or .onnx")
            );
        }
    }
}
