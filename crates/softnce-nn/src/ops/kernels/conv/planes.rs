//! Zeroed planes that hold shifted reads, and their filling.

/// The most values that a vectorised loop reads or writes beyond the last place.
pub(super) const SLACK: usize = 64;

/// How planes are laid out, so that a shifted read of a place outside the data finds a 0.
///
/// Places are numbered `row pitch + column`. The zeros right of a row are those left of the next.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grid {
    /// Numbers from a place to the one below.
    pub(super) pitch: usize,
    /// Where place 0 of the data lies.
    origin: usize,
    /// Values of a plane.
    pub(super) len: usize,
    /// Rows of places.
    rows: usize,
}

impl Grid {
    /// For planes with `data` rows and columns, read for `places` rows and columns at these shifts.
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

    /// Where a shifted read of place 0 lies in a plane.
    pub(super) fn read(self, shift: (isize, isize)) -> usize {
        (self.origin as isize + shift.0 * self.pitch as isize + shift.1) as usize
    }

    /// Number of places, those between the rows' ends included.
    pub(super) fn places(self) -> usize {
        self.rows * self.pitch
    }
}

/// Writes rows of `width` values, taken every `step` from `source`, into a plane from `origin` on, `pitch` apart.
#[inline(always)]
pub(super) fn spread(plane: &mut [f32], (origin, pitch): (usize, usize), rows: Rows<'_>) {
    let Rows { source, height, width, row_stride, step } = rows;
    // A phase beyond the picture's last column still counts its rows.
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

/// Rows within a picture.
#[derive(Clone, Copy)]
pub(super) struct Rows<'a> {
    pub(super) source: &'a [f32],
    pub(super) height: usize,
    pub(super) width: usize,
    pub(super) row_stride: usize,
    pub(super) step: usize,
}

/// The reverse: rows of a plane, `pitch` apart, to every `step`-th value of the picture.
#[inline(always)]
pub(super) fn gather(
    plane: &[f32],
    pitch: usize,
    picture: &mut [f32],
    (height, width): (usize, usize),
    to: (usize, usize),
) {
    let (row_stride, step) = to;
    if width == 0 {
        return;
    }
    for row in 0..height {
        let source = &plane[row * pitch..][..width];
        let target = &mut picture[row * row_stride..];
        if step == 1 {
            target[..width].copy_from_slice(source);
        } else {
            for (target, &source) in target.chunks_mut(step).zip(source) {
                target[0] = source;
            }
        }
    }
}
