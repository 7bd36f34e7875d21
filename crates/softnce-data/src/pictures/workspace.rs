//! Memory that is used again for every picture.

use std::cell::RefCell;

use fast_image_resize::Resizer;

/// Buffers of one thread. They grow to the largest picture seen and stay.
#[derive(Debug, Default)]
pub(super) struct Workspace {
    pub(super) resizer: Resizer,
    /// The picture with other channels.
    pub(super) channels: Vec<u8>,
    /// The picture at another size.
    pub(super) resized: Vec<u8>,
    /// The picture that RandAugment works on, and its next state.
    pub(super) canvas: [Vec<u8>; 2],
}

thread_local! {
    static WORKSPACE: RefCell<Workspace> = RefCell::default();
}

/// Runs something with this thread's buffers, or with new ones where they are in use.
pub(super) fn with<T>(run: impl FnOnce(&mut Workspace) -> T) -> T {
    WORKSPACE.with(|space| match space.try_borrow_mut() {
        Ok(mut space) => run(&mut space),
        Err(_) => run(&mut Workspace::default()),
    })
}
