//! The memory of tensors and arrays that Python passes in.

use half::{bf16, f16};
use ndarray::{ArrayView1, ArrayView2, ArrayViewMut1, ArrayViewMut2, Axis, ShapeBuilder};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;

/// An element type of memory that is read or written.
pub(crate) trait Entry: Copy + 'static {
    const KIND: Kind;
}

macro_rules! kinds {
    ($($kind:ident $type:ty),*) => {
        /// The element types; their order gives the numbers used in Python.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Kind {
            $($kind,)*
        }

        impl Kind {
            const ALL: &'static [Kind] = &[$(Kind::$kind),*];
        }

        $(impl Entry for $type {
            const KIND: Kind = Kind::$kind;
        })*
    };
}

kinds!(F16 f16, Bf16 bf16, F32 f32, F64 f64, I8 i8, I16 i16, I32 i32, I64 i64, U8 u8, U16 u16, U32 u32, U64 u64);

impl Kind {
    pub(crate) fn is_float(self) -> bool {
        matches!(self, Kind::F16 | Kind::Bf16 | Kind::F32 | Kind::F64)
    }
}

/// Two-dimensional memory: `(address, type, rows, columns, row stride, column stride)`, strides in elements.
///
/// Only the Python files of this package make views, from tensors and arrays that they keep alive and do not write to
/// until the call returns. The accessors below rely on this.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View {
    place: usize,
    pub(crate) kind: Kind,
    pub(crate) shape: (usize, usize),
    steps: (usize, usize),
}

impl<'py> FromPyObject<'_, 'py> for View {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let (place, kind, rows, columns, row_step, column_step): (usize, usize, usize, usize, usize, usize) =
            object.extract()?;
        let kind = *Kind::ALL.get(kind).ok_or_else(|| PyTypeError::new_err(format!("unknown element type {kind}")))?;
        Ok(View { place, kind, shape: (rows, columns), steps: (row_step, column_step) })
    }
}

impl View {
    /// The number of elements from the first to the last, both included.
    fn extent(&self) -> PyResult<usize> {
        let ((rows, columns), (row_step, column_step)) = (self.shape, self.steps);
        if rows == 0 || columns == 0 {
            return Ok(0);
        }
        if self.place == 0 {
            return Err(PyValueError::new_err(format!("a tensor of shape {:?} has no memory", self.shape)));
        }
        let last = (rows - 1).checked_mul(row_step).zip((columns - 1).checked_mul(column_step));
        let last = last.and_then(|(row, column)| row.checked_add(column)?.checked_add(1));
        last.ok_or_else(|| PyValueError::new_err(format!("memory of shape {:?} is too large", self.shape)))
    }

    fn expect<E: Entry>(&self) -> PyResult<()> {
        if self.kind == E::KIND && self.place.is_multiple_of(align_of::<E>()) {
            return Ok(());
        }
        Err(PyTypeError::new_err(format!("found memory of {:?}, expected aligned {:?}", self.kind, E::KIND)))
    }

    /// The memory as an array.
    #[allow(unsafe_code)]
    pub(crate) fn array<'a, E: Entry>(self) -> PyResult<ArrayView2<'a, E>> {
        self.expect::<E>()?;
        let extent = self.extent()?;
        if extent == 0 {
            return ArrayView2::from_shape(self.shape, &[]).map_err(unfit);
        }
        // SAFETY: the Python caller owns `extent` initialised elements of this type at this address and keeps them
        // unchanged until the call returns. The alignment was checked.
        let memory = unsafe { std::slice::from_raw_parts(self.place as *const E, extent) };
        ArrayView2::from_shape(self.shape.strides(self.steps), memory).map_err(unfit)
    }

    /// The memory of a column as an array.
    pub(crate) fn column<'a, E: Entry>(self) -> PyResult<ArrayView1<'a, E>> {
        Ok(self.array::<E>()?.index_axis_move(Axis(1), 0))
    }

    /// The memory as an array to write to.
    #[allow(unsafe_code)]
    pub(crate) fn array_mut<'a, E: Entry>(self) -> PyResult<ArrayViewMut2<'a, E>> {
        self.expect::<E>()?;
        let extent = self.extent()?;
        if extent == 0 {
            return ArrayViewMut2::from_shape(self.shape, &mut []).map_err(unfit);
        }
        // SAFETY: as above; in addition, nothing else reads or writes this memory during the call: it was allocated for
        // the call, or it is that of a queue, whose module only one thread uses at a time.
        let memory = unsafe { std::slice::from_raw_parts_mut(self.place as *mut E, extent) };
        ArrayViewMut2::from_shape(self.shape.strides(self.steps), memory).map_err(unfit)
    }

    /// The memory of a column as an array to write to.
    pub(crate) fn column_mut<'a, E: Entry>(self) -> PyResult<ArrayViewMut1<'a, E>> {
        Ok(self.array_mut::<E>()?.index_axis_move(Axis(1), 0))
    }
}

fn unfit(error: ndarray::ShapeError) -> PyErr {
    PyValueError::new_err(format!("memory does not have the form of an array: {error}"))
}

/// Runs a body with `$type` the type of a view, if that is one of these.
macro_rules! with_type {
    ($view:expr, $type:ident => $body:expr, [$($kind:ident $known:ty),*], $other:ident => $refused:expr) => {
        match $view.kind {
            $($crate::view::Kind::$kind => {
                type $type = $known;
                $body
            })*
            $other => Err($refused),
        }
    };
}

/// Runs a body with `$type` the float type of a view.
macro_rules! with_float {
    ($view:expr, $argument:expr, $type:ident => $body:expr) => {
        $crate::view::with_type!(
            $view, $type => $body, [F16 half::f16, Bf16 half::bf16, F32 f32, F64 f64],
            kind => $crate::view::not_floats($argument, kind)
        )
    };
}

/// Runs a body with `$type` the integer type of a view.
macro_rules! with_integer {
    ($view:expr, $argument:expr, $type:ident => $body:expr) => {
        $crate::view::with_type!(
            $view, $type => $body, [I8 i8, I16 i16, I32 i32, I64 i64, U8 u8, U16 u16, U32 u32, U64 u64],
            kind => $crate::view::not_integers($argument, kind)
        )
    };
}

pub(crate) use {with_float, with_integer, with_type};

pub(crate) fn not_floats(argument: &str, found: Kind) -> PyErr {
    PyTypeError::new_err(format!("{argument} has elements of type {found:?}, expected floats"))
}

pub(crate) fn not_integers(argument: &str, found: Kind) -> PyErr {
    PyTypeError::new_err(format!("{argument} has elements of type {found:?}, expected integers"))
}
