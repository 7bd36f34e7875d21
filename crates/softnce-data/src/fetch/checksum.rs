//! Checksums as publishers state them.

use std::fmt;
use std::io::{self, Read};

use md5::Md5;
use sha2::{Digest, Sha256};

/// A checksum in lower-case hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Checksum {
    /// 32 digits. It detects damage, not malice; most publishers of data sets state no other.
    Md5(String),
    /// 64 digits.
    Sha256(String),
}

impl Checksum {
    /// The checksum of the same kind of a reader's content; `each` is called with the number of bytes read so far.
    pub(super) fn of_same_kind(&self, reader: impl Read, each: impl FnMut(u64)) -> io::Result<Self> {
        match self {
            Self::Md5(_) => Ok(Self::Md5(digest::<Md5>(reader, each)?)),
            Self::Sha256(_) => Ok(Self::Sha256(digest::<Sha256>(reader, each)?)),
        }
    }
}

impl fmt::Display for Checksum {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Md5(digits) => write!(formatter, "md5 {digits}"),
            Self::Sha256(digits) => write!(formatter, "sha256 {digits}"),
        }
    }
}

fn digest<D: Digest>(mut reader: impl Read, mut each: impl FnMut(u64)) -> io::Result<String> {
    let mut digest = D::new();
    let mut buffer = vec![0; 1 << 16];
    let mut done = 0;
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => return Ok(digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()),
            Ok(count) => {
                digest.update(&buffer[..count]);
                done += count as u64;
                each(done);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_digests() {
        // RFC 1321, A.5, and FIPS 180-2, B.1.
        let md5 = Checksum::Md5("900150983cd24fb0d6963f7d28e17f72".to_owned());
        assert_eq!(md5.of_same_kind(&b"abc"[..], |_| {}).unwrap(), md5);
        let digits = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let sha256 = Checksum::Sha256(digits.to_owned());
        let mut done = 0;
        assert_eq!(sha256.of_same_kind(&b"abc"[..], |bytes| done = bytes).unwrap(), sha256);
        assert_eq!((sha256.to_string(), done), (format!("sha256 {digits}"), 3));
    }
}
