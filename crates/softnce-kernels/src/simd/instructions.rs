//! The sets of vector instructions, and the choice among them at run time.

use std::fmt;
use std::sync::OnceLock;

use pulp::{Simd, WithSimd};

/// A set of vector instructions. The kernels use the widest set that this CPU has. Results of two sets differ by rounding
/// only; with one set, results do not depend on the number of threads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Instructions {
    /// No vector instructions beyond those the program was compiled for.
    Portable,
    /// x86-64 with AVX2 and FMA.
    Avx2,
    /// x86-64 with AVX-512 (F, BW, CD, DQ, VL).
    Avx512,
    /// Arm with NEON.
    Neon,
}

impl fmt::Display for Instructions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Instructions::Portable => "portable",
            Instructions::Avx2 => "AVX2",
            Instructions::Avx512 => "AVX-512",
            Instructions::Neon => "NEON",
        })
    }
}

impl Instructions {
    /// The sets that this CPU has, the widest last.
    pub fn available() -> Vec<Instructions> {
        let sets = [Instructions::Portable, Instructions::Neon, Instructions::Avx2, Instructions::Avx512];
        sets.into_iter().filter(|set| set.is_available()).collect()
    }

    /// The widest set that this CPU has.
    #[inline]
    pub fn widest() -> Instructions {
        static WIDEST: OnceLock<Instructions> = OnceLock::new();
        *WIDEST.get_or_init(|| Instructions::available().pop().unwrap_or(Instructions::Portable))
    }

    /// Whether this CPU has the set.
    pub fn is_available(self) -> bool {
        self.resolve().is_some()
    }

    /// Runs an operation compiled for this set, or for the portable one if this CPU does not have the set.
    ///
    /// Hidden because `softnce` re-exports this type, and `pulp` is no part of its public interface.
    #[doc(hidden)]
    #[inline]
    pub fn run<Op: WithSimd>(self, op: Op) -> Op::Output {
        self.resolve().unwrap_or(Token::Portable(pulp::Scalar::new())).run(op)
    }

    #[cfg(any(target_arch = "x86_64", target_arch = "x86"))]
    fn resolve(self) -> Option<Token> {
        match self {
            Instructions::Portable => Some(Token::Portable(pulp::Scalar::new())),
            Instructions::Avx2 => pulp::x86::V3::try_new().map(Token::Avx2),
            Instructions::Avx512 => pulp::x86::V4::try_new().map(Token::Avx512),
            Instructions::Neon => None,
        }
    }

    #[cfg(target_arch = "aarch64")]
    fn resolve(self) -> Option<Token> {
        match self {
            Instructions::Portable => Some(Token::Portable(pulp::Scalar::new())),
            Instructions::Neon => pulp::aarch64::Neon::try_new().map(Token::Neon),
            Instructions::Avx2 | Instructions::Avx512 => None,
        }
    }

    #[cfg(not(any(target_arch = "x86_64", target_arch = "x86", target_arch = "aarch64")))]
    fn resolve(self) -> Option<Token> {
        (self == Instructions::Portable).then(|| Token::Portable(pulp::Scalar::new()))
    }
}

/// Proof that this CPU has a set.
enum Token {
    Portable(pulp::Scalar),
    #[cfg(any(target_arch = "x86_64", target_arch = "x86"))]
    Avx2(pulp::x86::V3),
    #[cfg(any(target_arch = "x86_64", target_arch = "x86"))]
    Avx512(pulp::x86::V4),
    #[cfg(target_arch = "aarch64")]
    Neon(pulp::aarch64::Neon),
}

impl Token {
    #[inline]
    fn run<Op: WithSimd>(self, op: Op) -> Op::Output {
        match self {
            Token::Portable(simd) => Simd::vectorize(simd, op),
            #[cfg(any(target_arch = "x86_64", target_arch = "x86"))]
            Token::Avx2(simd) => Simd::vectorize(simd, op),
            #[cfg(any(target_arch = "x86_64", target_arch = "x86"))]
            Token::Avx512(simd) => Simd::vectorize(simd, op),
            #[cfg(target_arch = "aarch64")]
            Token::Neon(simd) => Simd::vectorize(simd, op),
        }
    }
}

/// The AVX-512 instructions, if `simd` is that set.
#[cfg(any(target_arch = "x86_64", target_arch = "x86"))]
#[inline(always)]
pub(super) fn avx512<S: Simd>(simd: S) -> Option<pulp::x86::V4> {
    let simd: &dyn std::any::Any = &simd;
    simd.downcast_ref::<pulp::x86::V4>().copied()
}

/// The AVX2 instructions, if `simd` is that set or a wider one.
#[cfg(any(target_arch = "x86_64", target_arch = "x86"))]
#[inline(always)]
pub(super) fn avx2<S: Simd>(simd: S) -> Option<pulp::x86::V3> {
    let any: &dyn std::any::Any = &simd;
    avx512(simd).map(|simd| *simd).or(any.downcast_ref::<pulp::x86::V3>().copied())
}
