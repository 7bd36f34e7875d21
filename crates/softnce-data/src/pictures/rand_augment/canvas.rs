//! A picture that is worked on in place.

/// A picture, and memory for its next state.
#[derive(Debug)]
pub(in crate::pictures) struct Canvas<'w> {
    pub(in crate::pictures) height: usize,
    pub(in crate::pictures) width: usize,
    /// 1 or 3.
    pub(in crate::pictures) channels: usize,
    /// `height * width * channels` levels, the channels of a pixel together.
    pub(in crate::pictures) pixels: &'w mut Vec<u8>,
    pub(in crate::pictures) spare: &'w mut Vec<u8>,
}

impl Canvas<'_> {
    /// Replaces every level by that of its channel's table.
    pub(super) fn look_up(&mut self, mut table: impl FnMut(&[u8], usize) -> [u8; 256]) {
        for channel in 0..self.channels {
            let table = table(self.pixels, channel);
            let levels = self.pixels.iter_mut().skip(channel).step_by(self.channels);
            levels.for_each(|level| *level = table[usize::from(*level)]);
        }
    }

    /// Works out the next state from the one that is.
    pub(super) fn redraw(&mut self, draw: impl FnOnce(&[u8], &mut [u8])) {
        self.spare.clear();
        self.spare.resize(self.pixels.len(), 0);
        draw(self.pixels, self.spare);
        std::mem::swap(self.pixels, self.spare);
    }

    /// How often each level occurs in a channel.
    pub(super) fn histogram(pixels: &[u8], channel: usize, channels: usize) -> [usize; 256] {
        let mut counts = [0; 256];
        pixels.iter().skip(channel).step_by(channels).for_each(|&level| counts[usize::from(level)] += 1);
        counts
    }
}
