//! The contrastive losses from the features of a linear head, for any number of classes.

use burn::tensor::{DType, Gradients, IndexingUpdateOp, Int, Tensor, TensorData};
use softnce::Error as LossError;

use super::LossModule;
use crate::batch::{check_float, dtype_error};
use crate::{Error, LossBatch};

/// A loss of a linear head, and the rows of the head that took part.
#[derive(Debug, Clone)]
pub struct HeadOutput {
    /// The loss: `[N]` under reduction none, else `[1]`; f64 for features in f64, else f32.
    pub value: Tensor<1>,
    /// The rows of weights, and of the bias, of the classes that occur.
    pub rows: HeadRows,
}

/// The rows of a linear head that belong to the classes of a batch. T is the number of these classes.
#[derive(Debug, Clone)]
pub struct HeadRows {
    /// In ascending order. Shape `[T]`.
    class_indices: Vec<u32>,
    index: Tensor<1, Int>,
    /// Shape `[T, D]`.
    weights: Tensor<2>,
    /// Shape `[T]`.
    bias: Option<Tensor<1>>,
}

impl HeadRows {
    /// The indices of the classes, in ascending order. Shape `[T]`.
    pub fn class_indices(&self) -> &[u32] {
        &self.class_indices
    }

    /// The rows of the weights as the loss read them. Shape `[T, D]`.
    pub fn weights(&self) -> &Tensor<2> {
        &self.weights
    }

    /// Their biases, where there are any. Shape `[T]`.
    pub fn bias(&self) -> Option<&Tensor<1>> {
        self.bias.as_ref()
    }

    /// The gradient of these rows of weights, where the head itself is not part of a graph. Shape `[T, D]`.
    pub fn weights_gradient(&self, gradients: &Gradients) -> Option<Tensor<2>> {
        self.weights.grad(gradients)
    }

    /// The gradient of their biases likewise. Shape `[T]`.
    pub fn bias_gradient(&self, gradients: &Gradients) -> Option<Tensor<1>> {
        self.bias.as_ref().and_then(|bias| bias.grad(gradients))
    }

    /// All weights with something added to these rows, in their own memory where nobody else holds them.
    ///
    /// # Shapes
    /// `weights`, output: `[d, D]`; `change`: `[T, D]`.
    ///
    /// # Errors
    /// Shapes that do not go with the rows.
    pub fn add_to_weights(&self, weights: Tensor<2>, change: Tensor<2>) -> Result<Tensor<2>, Error> {
        let width = self.weights.dims()[1];
        check("change", change.dims(), [self.class_indices.len(), width])?;
        check_classes("weights", weights.dims(), self.class_indices.last(), Some(width))?;
        Ok(weights.select_assign(0, self.index.clone(), change, IndexingUpdateOp::Add))
    }

    /// All biases with something added to those of these classes.
    ///
    /// # Shapes
    /// `bias`, output: `[d]`; `change`: `[T]`.
    ///
    /// # Errors
    /// Shapes that do not go with the rows.
    pub fn add_to_bias(&self, bias: Tensor<1>, change: Tensor<1>) -> Result<Tensor<1>, Error> {
        check("change", change.dims(), [self.class_indices.len()])?;
        check_classes("bias", bias.dims(), self.class_indices.last(), None)?;
        Ok(bias.select_assign(0, self.index.clone(), change, IndexingUpdateOp::Add))
    }

    fn gather(weights: &Tensor<2>, bias: Option<&Tensor<1>>, class_indices: Vec<u32>) -> Self {
        let values: Vec<i64> = class_indices.iter().map(|&class| i64::from(class)).collect();
        let index = Tensor::<1, Int>::from_data(TensorData::new(values, [class_indices.len()]), &weights.device());
        HeadRows {
            weights: tracked(weights.is_tracked(), weights.clone().select(0, index.clone())),
            bias: bias.map(|bias| tracked(bias.is_tracked(), bias.clone().select(0, index.clone()))),
            class_indices,
            index,
        }
    }
}

/// The selected rows: part of the head's graph where it has one, else the start of a graph of their own.
fn tracked<const D: usize>(in_a_graph: bool, rows: Tensor<D>) -> Tensor<D> {
    if in_a_graph || !rows.is_autodiff() { rows } else { rows.detach().require_grad() }
}

impl LossModule {
    /// The loss from the features of a linear head: its logits `features weights^T + bias` are formed for the classes
    /// that occur among the candidates and no others, so that work and memory do not depend on the number of classes.
    ///
    /// Where the weights belong to a graph (a parameter of a module), their gradient comes as usual, and as large as
    /// they are: Burn's gradients are dense. Weights that do not (`without_autodiff`, or just not `require_grad`) stay out
    /// of it: then [`HeadRows::weights_gradient`] has the gradient of the rows that took part, and
    /// [`HeadRows::add_to_weights`] puts a step back.
    ///
    /// # Shapes
    /// - features: `[N, D]`, f16, bf16, f32 or f64
    /// - weights: `[d, D]`, a row for each class; bias: `[d]`
    /// - batch: M hard or compact targets over d classes, with equal uniform shares
    ///
    /// # Errors
    /// What [`softnce::HeadLoss`] refuses; what [`LossModule::forward`] does.
    pub fn forward_head(
        &self,
        features: Tensor<2>,
        weights: &Tensor<2>,
        bias: Option<&Tensor<1>>,
        batch: impl Into<LossBatch>,
    ) -> Result<HeadOutput, Error> {
        if !self.kind().is_contrastive() {
            return Err(self.kind().no_head().into());
        }
        let ([rows, width], [classes, _]) = (features.dims(), weights.dims());
        if width == 0 {
            return Err(LossError::empty("features", &[rows, width]).into());
        }
        check("weights", weights.dims(), [classes, width])?;
        check_float("features", features.dtype())?;
        check_type("weights", weights.dtype(), features.dtype())?;
        if let Some(bias) = bias {
            check("bias", bias.dims(), [classes])?;
            check_type("bias", bias.dtype(), features.dtype())?;
        }
        let batch = batch.into();
        let segments = batch.segments.iter().map(|segment| segment.on_host(classes)).collect::<Result<_, _>>()?;
        let given = batch.over(segments)?;
        let host = given.for_loss(self.kind())?;
        host.check(rows, classes)?;
        self.settings().noise().check_classes(classes)?;
        let (occurring, listed) = match features.dtype() {
            DType::F64 => host.over_occurring_classes::<f64>()?,
            _ => host.over_occurring_classes::<f32>()?,
        };
        let noise = self.settings().noise().over_classes(&listed)?;
        let segments = occurring.segments().iter().map(|segment| segment.clone().into_owned().into()).collect();
        let over_occurring = batch.clone().with_segments(segments);

        let head = HeadRows::gather(weights, bias, listed);
        let mut logits = features.matmul(head.weights.clone().transpose());
        if let Some(bias) = &head.bias {
            logits = logits + bias.clone().unsqueeze();
        }
        let settings = self.settings().clone().with_noise(noise);
        Ok(HeadOutput { value: self.compute(settings, logits, &over_occurring)?, rows: head })
    }
}

/// Checks that the head is of the features' type: Burn's products take no others.
fn check_type(argument: &'static str, found: DType, expected: DType) -> Result<(), Error> {
    if found == expected { Ok(()) } else { Err(dtype_error(argument, found, format!("{expected:?}, as the features"))) }
}

fn check<const D: usize>(argument: &'static str, found: [usize; D], expected: [usize; D]) -> Result<(), Error> {
    if found == expected {
        return Ok(());
    }
    Err(LossError::shape(argument, &found, format!("{expected:?}")).into())
}

/// Checks that there is a row for the last class, and the width of the rows.
fn check_classes<const D: usize>(
    argument: &'static str,
    found: [usize; D],
    last: Option<&u32>,
    width: Option<usize>,
) -> Result<(), Error> {
    let least = last.map_or(0, |&last| last as usize + 1);
    if found[0] >= least && width.is_none_or(|width| found[D - 1] == width) {
        return Ok(());
    }
    let expected = match width {
        Some(width) => format!("[d, {width}] with d at least {least}"),
        None => format!("[d] with d at least {least}"),
    };
    Err(LossError::shape(argument, &found, expected).into())
}
