//! Memory that is reused for every picture.

use std::cell::RefCell;

use super::two_pass::TwoPassResizer;

/// Buffers of one thread. They grow to the largest picture and are kept.
#[derive(Debug, Default)]
pub(super) struct Workspace {
    pub(super) resizer: TwoPassResizer,
    /// The picture converted to another number of channels.
    pub(super) channels: Vec<u8>,
    /// The resized picture.
    pub(super) resized: Vec<u8>,
    /// The picture that RandAugment changes, and a second buffer.
    pub(super) canvas: [Vec<u8>; 2],
}

thread_local! {
    static WORKSPACE: RefCell<Workspace> = RefCell::default();
}

/// Calls `run` with this thread's buffers, or with new ones if those are in use.
pub(super) fn with<T>(run: impl FnOnce(&mut Workspace) -> T) -> T {
    WORKSPACE.with(|space| match space.try_borrow_mut() {
        Ok(mut space) => run(&mut space),
        Err(_) => run(&mut Workspace::default()),
    })
}
