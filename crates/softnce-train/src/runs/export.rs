//! Files for other programs: the formats, and the Python that loads them.

use std::path::Path;

use softnce_nn::models::Library;
use softnce_nn::weights;

use super::error::RunError;
use super::train::{DEVIATION, MEAN, weights_metadata};
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
        let mut metadata = weights_metadata(
            self.recipe(),
            self.temperature(),
            self.standardisation(),
            ("classes", json(self.classes().into())),
        )?;
        if !self.takes_features() {
            let augmentation = &self.recipe().augmentation;
            let statistics = augmentation.normalisation.statistics();
            metadata.insert(MEAN.to_owned(), json(statistics.mean.into()));
            metadata.insert(DEVIATION.to_owned(), json(statistics.std.into()));
            metadata.insert("size".to_owned(), json(augmentation.size.to_vec().into()));
        }
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
                let (found, expected) =
                    (names.to_string(), "timm: an .onnx file does not depend on the names".to_owned());
                return Err(RunError::Data { argument: "--names", found, expected });
            }
            ExportFormat::Onnx => {
                let (input, classes) = (self.input_shape(), self.classes().len());
                weights::write_onnx(path, self.network(), input, classes, &metadata)?;
            }
        }
        Ok(())
    }

    /// A program in Python that loads an exported file and predicts with it: its function `probabilities` takes pictures of
    /// PIL, or rows of features of shape `[rows, features]`, and returns an array of shape `[rows, classes]`.
    ///
    /// # Errors
    /// Another ending; a network that the library does not have.
    pub fn python(&self, path: &Path, names: Library) -> Result<String, RunError> {
        let (recipe, input, classes) = (self.recipe(), self.input_shape(), self.classes().len());
        // A text in JSON is one in Python, too.
        let file = serde_json::Value::from(path.to_string_lossy()).to_string();
        let inputs = if self.takes_features() { "rows" } else { "pictures" };
        let body = match ExportFormat::of(path)? {
            ExportFormat::Safetensors => {
                let model = recipe.network.python(input, classes, names)?.join("\n");
                format!(
                    "with safetensors.safe_open({file}, \"pt\") as file:\n    \
                         weights = {{name: file.get_tensor(name) for name in file.keys()}}\n    \
                         about = file.metadata()\n\
                     {model}\n\
                     model.eval()\n\
                     {}\n\
                     @torch.no_grad()\n\
                     def probabilities({inputs}):\n    \
                         batch = {}\n    \
                         return (model(batch) / temperature).softmax(1)\n",
                    self.preparation_in_python(input),
                    match self.takes_features() {
                        true => "torch.from_numpy(prepared(rows))".to_owned(),
                        false => "torch.stack([prepared(picture) for picture in pictures])".to_owned(),
                    }
                )
            }
            ExportFormat::Onnx => format!(
                "session = onnxruntime.InferenceSession({file})\n\
                 about = session.get_modelmeta().custom_metadata_map\n\
                 {}\n\
                 def probabilities({inputs}):\n    \
                     batch = {}\n    \
                     logits = session.run([\"logits\"], {{\"pictures\": batch}})[0] / temperature\n    \
                     shares = numpy.exp(logits - logits.max(1, keepdims=True))\n    \
                     return shares / shares.sum(1, keepdims=True)\n",
                self.preparation_in_python(input),
                match self.takes_features() {
                    true => format!("prepared(rows).reshape(-1, {}, 1, 1)", input[0]),
                    false => "numpy.stack([prepared(picture).numpy() for picture in pictures])".to_owned(),
                }
            ),
        };
        let used: Vec<&str> = MODULES.into_iter().filter(|module| body.contains(&format!("{module}."))).collect();
        Ok(format!("# {}\nimport {}\n{body}", recipe.network.describe(input, classes), used.join(", ")))
    }

    /// The names of the classes, the temperature, and the function from pictures or rows to the network's input.
    fn preparation_in_python(&self, [channels, height, width]: [usize; 3]) -> String {
        const ABOUT: &str = "classes, temperature = json.loads(about[\"classes\"]), float(about[\"temperature\"])";
        if self.takes_features() {
            let scaled = match self.standardisation() {
                Some(_) => "numpy.clip((numpy.float32(rows) - mean) / std, -limit, limit)",
                None => "numpy.float32(rows)",
            };
            let statistics = "mean, std = (numpy.float32(json.loads(about[key])) for key in (\"mean\", \"std\"))\n\
                              limit = numpy.float32(about[\"limit\"])\n";
            let statistics = self.standardisation().map_or("", |_| statistics);
            return format!("{ABOUT}\n{statistics}def prepared(rows):\n    return {scaled}");
        }
        let (evaluation, data) = (&self.recipe().augmentation.evaluation, &self.recipe().data);
        let interpolation = serde_json::to_value(evaluation.interpolation).unwrap_or_default();
        let mode = if channels == 1 { "L" } else { "RGB" };
        let picture = if data.exif_orientation { "PIL.ImageOps.exif_transpose(picture)" } else { "picture" };
        format!(
            "{ABOUT}\n\
             transform = timm.data.create_transform(({channels}, {height}, {width}), interpolation={interpolation},\n    \
                 crop_pct={:?}, crop_mode=\"center\",\n    \
                 mean=json.loads(about[\"mean\"]), std=json.loads(about[\"std\"]))\n\
             def prepared(picture):\n    \
                 return transform({picture}.convert(\"{mode}\"))",
            evaluation.crop_ratio
        )
    }
}

/// Python's modules that a program may use.
const MODULES: [&str; 10] = [
    "PIL.ImageOps",
    "collections",
    "functools",
    "json",
    "numpy",
    "onnxruntime",
    "safetensors",
    "timm",
    "torch",
    "torchvision",
];

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
