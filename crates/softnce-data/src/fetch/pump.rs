//! Copies a stream and tells which side failed.

use std::io::{self, ErrorKind, Read, Write};

/// Which side failed.
#[derive(Debug)]
pub(super) enum PumpError {
    Read(io::Error),
    Write(io::Error),
}

/// Copies everything and returns the number of bytes. `each` is called with the number of bytes of each piece after it
/// is written.
pub(super) fn pump(mut from: impl Read, mut to: impl Write, mut each: impl FnMut(u64)) -> Result<u64, PumpError> {
    let mut buffer = vec![0; 1 << 16];
    let mut total = 0;
    loop {
        let count = match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(PumpError::Read(error)),
        };
        to.write_all(&buffer[..count]).map_err(PumpError::Write)?;
        total += count as u64;
        each(count as u64);
    }
    to.flush().map_err(PumpError::Write)?;
    Ok(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Failing;

    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(ErrorKind::ConnectionReset.into())
        }
    }

    /// Takes five bytes.
    struct Small(usize);

    impl Write for Small {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let count = bytes.len().min(self.0);
            self.0 -= count;
            if count == 0 { Err(ErrorKind::StorageFull.into()) } else { Ok(count) }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn tells_which_side_failed() {
        let mut told = 0;
        let mut copy = Vec::new();
        let from = (&b"abc"[..]).chain(Failing);
        assert!(matches!(pump(from, &mut copy, |count| told += count), Err(PumpError::Read(_))));
        assert_eq!((copy.as_slice(), told), (&b"abc"[..], 3));
        assert!(matches!(pump(&b"abcdef"[..], Small(5), |_| {}), Err(PumpError::Write(_))));
        assert_eq!(pump(&b"abcde"[..], Small(5), |_| {}).unwrap(), 5);
    }
}
