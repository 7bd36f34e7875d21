//! A picture that is changed in place.

/// A picture and a second buffer of its size.
#[derive(Debug)]
pub(in crate::augmentation) struct Canvas<'w> {
    pub(in crate::augmentation) height: usize,
    pub(in crate::augmentation) width: usize,
    /// 1 or 3.
    pub(in crate::augmentation) channels: usize,
    /// `[height, width, channels]`.
    pub(in crate::augmentation) pixels: &'w mut Vec<u8>,
    pub(in crate::augmentation) spare: &'w mut Vec<u8>,
}

impl Canvas<'_> {
    /// Replaces each level by its entry in the table of its channel.
    pub(super) fn look_up(&mut self, table: impl Fn(&[u8], usize) -> [u8; 256]) {
        if self.channels == 3 {
            let tables = [0, 1, 2].map(|channel| table(self.pixels, channel));
            for pixel in self.pixels.as_chunks_mut::<3>().0 {
                for (level, table) in pixel.iter_mut().zip(&tables) {
                    *level = table[usize::from(*level)];
                }
            }
        } else {
            let table = table(self.pixels, 0);
            self.pixels.iter_mut().for_each(|level| *level = table[usize::from(*level)]);
        }
    }

    /// Computes the new picture from the old one.
    pub(super) fn redraw(&mut self, draw: impl FnOnce(&[u8], &mut [u8])) {
        self.spare.clear();
        self.spare.resize(self.pixels.len(), 0);
        draw(self.pixels, self.spare);
        std::mem::swap(self.pixels, self.spare);
    }

    /// Number of pixels of each level in a channel.
    pub(super) fn histogram(pixels: &[u8], channel: usize, channels: usize) -> [usize; 256] {
        let mut counts = [0; 256];
        pixels.iter().skip(channel).step_by(channels).for_each(|&level| counts[usize::from(level)] += 1);
        counts
    }
}
