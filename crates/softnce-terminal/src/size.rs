//! Sizes in bytes.

use bytesize::ByteSize;

/// Reads a number of bytes: `4096`, `512MiB`, `1.5 GiB`, `2GB`.
///
/// # Errors
/// The text and what was expected.
pub fn parse_bytes(text: &str) -> Result<u64, String> {
    let expected = || format!("{text} is not a size; expected a number of bytes such as 4096, 512MiB or 1.5GiB");
    // The crate saturates at what a u64 holds.
    text.trim()
        .parse::<ByteSize>()
        .map(|size| size.as_u64())
        .ok()
        .filter(|&bytes| bytes < u64::MAX)
        .ok_or_else(expected)
}

/// A number of bytes in a unit that suits it, such as 4.5 kB or 170.1 MB.
pub fn format_bytes(bytes: u64) -> String {
    ByteSize(bytes).display().si().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_with_their_units() {
        let sizes = ["0", "4096", "4096B", "2KiB", "512MiB", " 1.5 GiB ", "1TiB", "2GB"];
        let bytes = [0, 4096, 4096, 2048, 512 << 20, 3 << 29, 1 << 40, 2_000_000_000];
        assert_eq!(sizes.map(|size| parse_bytes(size).unwrap()), bytes);
    }

    #[test]
    fn what_is_no_size_is_named() {
        for text in ["", "GiB", "-1", "inf GiB", "nanMiB", "99999999999GiB", "1e300GiB", "1 2KiB"] {
            let message = parse_bytes(text).unwrap_err();
            assert!(message.starts_with(&format!("{text} is not a size; expected a number")), "{message}");
        }
    }

    #[test]
    fn bytes_have_units() {
        assert_eq!([999, 4_542, 170_052_171].map(format_bytes), ["999 B", "4.5 kB", "170.1 MB"]);
    }
}
