//! Figures that several pages share.

pub(crate) mod axes;
pub(crate) mod reliability;
