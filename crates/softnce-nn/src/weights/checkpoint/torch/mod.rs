//! Files that `torch.save` wrote: an archive since PyTorch 1.6, before that a stream of pickles, and a tar archive before
//! version 0.1.10.

mod archive;
mod stream;
mod tar_archive;
mod tensor;
#[cfg(test)]
mod tests;
mod tree;

pub(super) use archive::open as open_archive;
pub(super) use stream::{MAGIC, open as open_stream};
pub(super) use tar_archive::open as open_tar;
