//! The golden files: inputs, loss and gradient of the public reference implementation, computed in float64, alone and
//! in groups of two and three workers.

mod common;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use common::{cast, deviation, widen};
use ndarray::{Array, Array1, Array2};
use safetensors::SafeTensors;
use softnce::{
    Batch, Element, GradientRequest, Loss, LossSettings, NoiseDistribution, SoftTargetInfoNce, Targets, oracle,
};

struct Golden {
    name: String,
    metadata: HashMap<String, String>,
    logits: Array2<f64>,
    targets: Array2<f64>,
    noise: Array1<f64>,
    loss: f64,
    gradient: Array2<f64>,
}

impl Golden {
    fn read(path: &Path) -> Self {
        let bytes = std::fs::read(path).unwrap();
        let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
        let tensors = SafeTensors::deserialize(&bytes).unwrap();
        let values = |name: &str| -> (Vec<usize>, Vec<f64>) {
            let view = tensors.tensor(name).unwrap();
            assert_eq!(view.dtype(), safetensors::Dtype::F64);
            let values = view.data().chunks_exact(8).map(|b| f64::from_le_bytes(b.try_into().unwrap())).collect();
            (view.shape().to_vec(), values)
        };
        let matrix = |name: &str| {
            let (shape, values) = values(name);
            Array::from_shape_vec((shape[0], shape[1]), values).unwrap()
        };
        let golden = Golden {
            name: path.file_name().unwrap().to_string_lossy().into_owned(),
            metadata: header.metadata().clone().unwrap(),
            logits: matrix("logits"),
            targets: matrix("targets"),
            noise: Array1::from_vec(values("noise_probs").1),
            loss: values("loss").1[0],
            gradient: matrix("grad_logits"),
        };
        assert_eq!(golden.metadata["reduction"], "mean");
        golden
    }

    fn number<T: std::str::FromStr<Err: std::fmt::Debug>>(&self, key: &str) -> T {
        self.metadata[key].parse().unwrap()
    }

    fn loss<E: Element>(&self, targets: Targets<'_>) -> (f64, Array2<f64>) {
        let noise = NoiseDistribution::from_probabilities(&self.noise).unwrap();
        let settings = LossSettings::new().with_temperature(self.number("temperature")).unwrap().with_noise(noise);
        let batch = Batch::from(targets).with_offset(self.number("first_positive"));
        let logits = cast::<E>(&self.logits);
        let out =
            SoftTargetInfoNce::new(settings).loss_and_gradient(logits.view(), batch, &GradientRequest::new()).unwrap();
        (out.value.scalar().unwrap().as_f64(), widen(out.logits_gradient.view()))
    }

    fn check(&self, what: &str, (loss, gradient): (f64, Array2<f64>), tolerance: f64) {
        let off = deviation([loss], [&self.loss]).max(deviation(gradient, &self.gradient));
        assert!(off <= tolerance, "{} by {what}: off by {off:e}, allowed {tolerance:e}", self.name);
    }

    /// The same targets in every cheaper form that holds them exactly enough.
    fn compact_forms(&self) -> Vec<Targets<'static>> {
        let classes = self.targets.ncols();
        let mut forms = Vec::new();
        let labels: Option<Vec<usize>> =
            self.targets.outer_iter().map(|row| row.iter().position(|&weight| weight == 1.0)).collect();
        if let Some(labels) = labels {
            forms.push(Targets::hard(&labels, classes).unwrap());
        }
        // Above the smallest weight of the row stand at most two classes, in every file that is not dense.
        let mut uniform = Array1::zeros(self.targets.nrows());
        let mut index = Array2::<usize>::zeros((self.targets.nrows(), 2));
        let mut weights = Array2::zeros((self.targets.nrows(), 2));
        for (row, values) in self.targets.outer_iter().enumerate() {
            let floor = values.iter().copied().fold(f64::INFINITY, f64::min);
            let above: Vec<_> = values.indexed_iter().filter(|&(_, &weight)| weight > floor).collect();
            if above.len() > 2 {
                return forms;
            }
            uniform[row] = floor * classes as f64;
            for (k, (class, weight)) in above.into_iter().enumerate() {
                (index[[row, k]], weights[[row, k]]) = (class, weight - floor);
            }
        }
        forms.push(Targets::compact(&uniform, &index, &weights, classes).unwrap());
        forms
    }
}

fn files() -> Vec<Golden> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let files: Vec<_> = paths.iter().map(|path| Golden::read(path)).collect();
    assert_eq!(files.len(), 27);
    files
}

#[test]
fn oracle_reproduces_the_reference() {
    for golden in files() {
        let (rows, candidates) = (golden.logits.nrows(), golden.targets.nrows());
        let first: usize = golden.number("first_positive");
        let exact = oracle::soft_target_info_nce(
            golden.logits.view(),
            golden.targets.view(),
            &(first..first + rows).collect::<Vec<_>>(),
            Array1::ones(candidates).view(),
            golden.noise.view(),
            golden.number("temperature"),
        )
        .unwrap();
        golden.check("oracle", (exact.losses.mean().unwrap(), exact.logits_gradients / rows as f64), 1e-12);
    }
}

#[test]
fn dense_path_reproduces_the_reference() {
    for golden in files() {
        let targets = || Targets::dense_as_is(golden.targets.view()).unwrap();
        golden.check("dense f64", golden.loss::<f64>(targets()), 1e-12);
        golden.check("dense f32 logits", golden.loss::<f32>(targets()), 2e-6);
        let single = cast::<f32>(&golden.targets);
        golden.check("dense f32", golden.loss::<f32>(Targets::dense_as_is(single.view()).unwrap()), 2e-6);
    }
}

#[test]
fn hard_and_compact_paths_reproduce_the_reference() {
    let mut checked = 0;
    for golden in files() {
        for targets in golden.compact_forms() {
            let form = targets.form();
            golden.check(&format!("{form} f64"), golden.loss::<f64>(targets.clone()), 1e-12);
            golden.check(&format!("{form} f32"), golden.loss::<f32>(targets), 2e-6);
            checked += 1;
        }
    }
    assert!(checked >= 27, "only {checked} files took a cheaper form");
}
