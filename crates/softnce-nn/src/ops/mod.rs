//! Operations of the networks: on the CPU device Flex with kernels and a backward pass of their own, elsewhere (and as
//! the readable twin that the tests compare with) composed of Burn's.

pub mod composed;

pub use composed::*;
