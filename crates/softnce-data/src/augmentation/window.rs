//! A shifted and flipped crop of a picture, written as bytes or normalised.

use super::normalisation::Table;
use super::resize::Crop;
use crate::Picture;

/// A window of the size of a crop, shifted against it and perhaps flipped. Outside the crop the window is black.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    pub(super) part: Crop,
    pub(super) down: i32,
    pub(super) right: i32,
    pub(super) flip: bool,
}

impl Window {
    pub(super) fn of(part: Crop) -> Self {
        Window { part, down: 0, right: 0, flip: false }
    }

    /// Columns of the window (before the flip) inside the crop, and the picture's column of the first one.
    fn columns(&self) -> (std::ops::Range<usize>, usize) {
        let (range, first) = shown(self.part.width, self.right);
        (range, self.part.left + first)
    }

    /// For each row of the window the row of the picture; `None` outside the crop.
    fn rows(&self) -> impl Iterator<Item = Option<usize>> {
        let (range, first) = shown(self.part.height, self.down);
        let top = self.part.top;
        (0..self.part.height).map(move |row| range.contains(&row).then(|| top + first + row - range.start))
    }

    /// Writes the window to `out` as `[height, width, channels]`.
    pub(super) fn write(&self, picture: &Picture<'_>, out: &mut Vec<u8>) {
        let (channels, width) = (picture.channels, self.part.width);
        let (columns, first) = self.columns();
        out.clear();
        out.resize(self.part.height * width * channels, 0);
        for (row, out) in self.rows().zip(out.chunks_exact_mut(width * channels)) {
            let Some(row) = row else { continue };
            let start = (row * picture.width + first) * channels;
            let source = &picture.pixels[start..start + columns.len() * channels];
            out[columns.start * channels..columns.end * channels].copy_from_slice(source);
            if self.flip {
                if channels == 1 {
                    out.reverse();
                } else {
                    for column in 0..width / 2 {
                        for channel in 0..channels {
                            out.swap(column * channels + channel, (width - 1 - column) * channels + channel);
                        }
                    }
                }
            }
        }
    }

    /// Writes the normalised window to `out`, `[channels, height, width]`.
    pub(super) fn normalise(&self, picture: &Picture<'_>, tables: &[Table], out: &mut [f32]) {
        let (height, width) = (self.part.height, self.part.width);
        let (columns, first) = self.columns();
        let channels = picture.channels;
        for (channel, (table, plane)) in tables.iter().zip(out.chunks_exact_mut(height * width)).enumerate() {
            for (row, out) in self.rows().zip(plane.chunks_exact_mut(width)) {
                let Some(row) = row else {
                    out.fill(table[0]);
                    continue;
                };
                out[..columns.start].fill(table[0]);
                out[columns.end..].fill(table[0]);
                let start = (row * picture.width + first) * channels;
                let source = &picture.pixels[start..start + columns.len() * channels];
                let levels = source[channel.min(source.len())..].iter().step_by(channels);
                for (out, &level) in out[columns.clone()].iter_mut().zip(levels) {
                    *out = table[usize::from(level)];
                }
                if self.flip {
                    out.reverse();
                }
            }
        }
    }
}

/// For a window shifted by `shift` against a crop of the same length: the range of the window inside the crop, and the
/// position in the crop where it starts.
fn shown(length: usize, shift: i32) -> (std::ops::Range<usize>, usize) {
    let by = (shift.unsigned_abs() as usize).min(length);
    if shift < 0 { (by..length, 0) } else { (0..length - by, by) }
}
