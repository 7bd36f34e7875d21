//! The small constants of one call: all floats go to the device in one transfer, all integers in another.

use std::ops::Range;

use burn::tensor::{DType, Device, Int, Tensor, TensorData};

/// The device of the constants, and the type of the floats.
pub(super) struct Place {
    pub(super) device: Device,
    pub(super) dtype: DType,
}

impl Place {
    pub(super) fn floats<const D: usize>(&self, values: Vec<f64>, shape: [usize; D]) -> Tensor<D> {
        Tensor::from_data(TensorData::new(values, shape), (&self.device, self.dtype))
    }
}

/// Constants that are not on the device yet.
#[derive(Default)]
pub(super) struct Uploads {
    floats: Vec<f64>,
    ints: Vec<i64>,
}

/// The position of some floats among all floats of the call.
#[derive(Clone)]
pub(super) struct Floats(Range<usize>);

/// The position of some integers among all integers of the call.
#[derive(Clone)]
pub(super) struct Ints(Range<usize>);

impl Uploads {
    pub(super) fn floats(&mut self, values: impl IntoIterator<Item = f64>) -> Floats {
        let start = self.floats.len();
        self.floats.extend(values);
        Floats(start..self.floats.len())
    }

    /// Indices of rows, candidates or classes: they all fit in 32 bits.
    pub(super) fn ints(&mut self, values: impl IntoIterator<Item = u32>) -> Ints {
        let start = self.ints.len();
        self.ints.extend(values.into_iter().map(i64::from));
        Ints(start..self.ints.len())
    }

    /// Copies everything to the device.
    pub(super) fn send(self, place: &Place) -> Sent {
        let (floats, ints) = (self.floats.len(), self.ints.len());
        Sent {
            floats: (floats > 0).then(|| place.floats(self.floats, [floats])),
            ints: (ints > 0).then(|| Tensor::from_data(TensorData::new(self.ints, [ints]), &place.device)),
            empty: Place { device: place.device.clone(), dtype: place.dtype },
        }
    }
}

/// Constants on the device.
pub(super) struct Sent {
    floats: Option<Tensor<1>>,
    ints: Option<Tensor<1, Int>>,
    empty: Place,
}

impl Sent {
    /// The floats in this shape, which they fill.
    pub(super) fn floats<const D: usize>(&self, part: &Floats, shape: [usize; D]) -> Tensor<D> {
        match &self.floats {
            Some(all) if !part.0.is_empty() => all.clone().slice([part.0.clone()]).reshape(shape),
            _ => self.empty.floats(Vec::new(), shape),
        }
    }

    /// The integers in this shape, which they fill.
    pub(super) fn ints<const D: usize>(&self, part: &Ints, shape: [usize; D]) -> Tensor<D, Int> {
        match &self.ints {
            Some(all) if !part.0.is_empty() => all.clone().slice([part.0.clone()]).reshape(shape),
            _ => Tensor::from_data(TensorData::new(Vec::<i64>::new(), shape), &self.empty.device),
        }
    }
}
