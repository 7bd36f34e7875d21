//! The sizes of a convolution, and where its taps read.

/// The sizes of a convolution.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Geometry {
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
    /// Height and width of an input picture.
    pub(crate) picture: (usize, usize),
    pub(crate) kernel: (usize, usize),
    pub(crate) stride: usize,
    pub(crate) padding: usize,
}

/// One entry of the kernel: the phase that it reads, and the distance from the place that it writes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Tap {
    pub(super) phase: (usize, usize),
    pub(super) shift: (isize, isize),
}

impl Geometry {
    /// Height and width of a result; `None` if the kernel is larger than the padded picture, or a size is 0.
    pub(crate) fn result(self) -> Option<(usize, usize)> {
        let along = |size: usize, kernel: usize| {
            let padded = self.padding.checked_mul(2)?.checked_add(size)?;
            (size > 0 && kernel > 0 && self.stride > 0 && kernel <= padded).then(|| (padded - kernel) / self.stride + 1)
        };
        Some((along(self.picture.0, self.kernel.0)?, along(self.picture.1, self.kernel.1)?))
    }

    /// The taps, row by row.
    pub(super) fn taps(self) -> Vec<Tap> {
        let (stride, padding) = (self.stride as isize, self.padding as isize);
        let along = |at: usize| {
            let off = at as isize - padding;
            (off.rem_euclid(stride) as usize, off.div_euclid(stride))
        };
        let rows = (0..self.kernel.0).map(along);
        let tap =
            |row: (usize, isize), column: (usize, isize)| Tap { phase: (row.0, column.0), shift: (row.1, column.1) };
        rows.flat_map(|row| (0..self.kernel.1).map(move |at| tap(row, along(at)))).collect()
    }

    /// Height and width of a phase of an input picture.
    pub(super) fn phase(self, (row, column): (usize, usize)) -> (usize, usize) {
        let along = |size: usize, first: usize| size.saturating_sub(first).div_ceil(self.stride);
        (along(self.picture.0, row), along(self.picture.1, column))
    }

    /// Number of values of an input picture, and of a result.
    pub(super) fn steps(self, result: (usize, usize)) -> (usize, usize) {
        (self.inputs * self.picture.0 * self.picture.1, self.outputs * result.0 * result.1)
    }
}
