//! Planes with margins of zeros, and how they are filled and read.

/// Largest number of values that a vectorised loop reads or writes beyond the last place.
pub(super) const SLACK: usize = 64;

/// The layout of planes: a shifted read of a place outside the data finds a 0.
///
/// Places are numbered `row pitch + column`. The zeros to the right of a row are also those to the left of the next row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grid {
    /// Distance from a place to the one below.
    pub(super) pitch: usize,
    /// Position of place 0 of the data.
    origin: usize,
    /// Number of values of a plane.
    pub(super) len: usize,
    /// Rows of places.
    rows: usize,
}

impl Grid {
    /// For planes that hold `data` rows and columns and are read at these shifts for `places` rows and columns.
    pub(super) fn new(data: (usize, usize), places: (usize, usize), shifts: &[(isize, isize)]) -> Self {
        let most =
            |shift: &dyn Fn(&(isize, isize)) -> isize| shifts.iter().map(shift).max().unwrap_or(0).max(0) as usize;
        let (above, left) = (most(&|shift| -shift.0), most(&|shift| -shift.1));
        let (below, right) = (most(&|shift| shift.0), most(&|shift| shift.1));
        let pitch = (data.1 + left).max(places.1 + right);
        let origin = above * pitch + left;
        let len = origin + data.0.max(places.0 + below) * pitch + right + SLACK;
        Grid { pitch, origin, len, rows: places.0 }
    }

    /// Position of the shifted read of place 0.
    pub(super) fn read(self, shift: (isize, isize)) -> usize {
        (self.origin as isize + shift.0 * self.pitch as isize + shift.1) as usize
    }

    /// Number of places, including those between the ends of rows.
    pub(super) fn places(self) -> usize {
        self.rows * self.pitch
    }
}

/// Writes rows of a picture into a plane, from `origin` on and `pitch` apart.
#[inline(always)]
pub(super) fn spread(plane: &mut [f32], (origin, pitch): (usize, usize), rows: Rows<'_>) {
    let Rows { source, height, width, row_stride, step } = rows;
    // A phase beyond the last column of the picture has rows, but no columns.
    if width == 0 {
        return;
    }
    for row in 0..height {
        let target = &mut plane[origin + row * pitch..][..width];
        let source = &source[row * row_stride..];
        if step == 1 {
            target.copy_from_slice(&source[..width]);
        } else {
            for (target, source) in target.iter_mut().zip(source.chunks(step)) {
                *target = source[0];
            }
        }
    }
}

/// Rows of a picture: `width` values each, every `step`-th of `source`.
#[derive(Clone, Copy)]
pub(super) struct Rows<'a> {
    pub(super) source: &'a [f32],
    pub(super) height: usize,
    pub(super) width: usize,
    pub(super) row_stride: usize,
    pub(super) step: usize,
}

/// Rows of a plane, `pitch` apart.
pub(super) fn rows_of(plane: &[f32], pitch: usize, (height, width): (usize, usize)) -> impl Iterator<Item = &[f32]> {
    let height = if width == 0 { 0 } else { height };
    (0..height).map(move |row| &plane[row * pitch..][..width])
}

/// The reverse of [`spread`]: writes rows of a plane, `pitch` apart, to every `step`-th value of a picture.
#[inline(always)]
pub(super) fn gather(
    plane: &[f32],
    pitch: usize,
    picture: &mut [f32],
    (height, width): (usize, usize),
    to: (usize, usize),
) {
    let (row_stride, step) = to;
    for (row, source) in rows_of(plane, pitch, (height, width)).enumerate() {
        for (target, &source) in picture[row * row_stride..].chunks_mut(step).zip(source) {
            target[0] = source;
        }
    }
}
