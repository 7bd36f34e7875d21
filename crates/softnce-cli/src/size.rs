//! Sizes of memory on the command line.

const UNITS: [(&str, u64); 5] = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40), ("B", 1)];

/// Reads a number of bytes: `4096`, `512MiB`, `1.5 GiB`.
pub fn parse(text: &str) -> Result<u64, String> {
    let trimmed = text.trim();
    let (number, unit) = UNITS
        .into_iter()
        .find_map(|(name, unit)| Some((trimmed.strip_suffix(name)?.trim_end(), unit)))
        .unwrap_or((trimmed, 1));
    let bytes = match number.parse::<u64>() {
        Ok(number) => number.checked_mul(unit),
        // A fraction of a unit; `f64` also reads signs and words, which are no sizes.
        Err(_) if number.starts_with(|first: char| first.is_ascii_digit()) && unit > 1 => number
            .parse::<f64>()
            .ok()
            .map(|number| number * unit as f64)
            .filter(|bytes| *bytes < 2f64.powi(63))
            .map(|bytes| bytes as u64),
        Err(_) => None,
    };
    bytes.ok_or_else(|| format!("memory cap is {text}, expected a number of bytes such as 4096, 512MiB or 1.5GiB"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_with_their_units() {
        let sizes = ["0", "4096", "4096B", "2KiB", "512MiB", " 1.5 GiB ", "1TiB"];
        let bytes = [0, 4096, 4096, 2048, 512 << 20, 3 << 29, 1 << 40];
        assert_eq!(sizes.map(|size| parse(size).unwrap()), bytes);
    }

    #[test]
    fn what_is_no_size_is_named() {
        for text in ["", "GiB", "-1", "1.5", "2GB", "inf GiB", "nanMiB", "99999999999GiB", "1e300GiB", "1 2KiB"] {
            let message = parse(text).unwrap_err();
            assert!(message.starts_with(&format!("memory cap is {text}, expected a number of bytes")), "{message}");
        }
    }
}
