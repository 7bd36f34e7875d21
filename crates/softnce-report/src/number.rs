//! Numbers as every part of a report writes them.

/// Stands where a number is missing or not finite.
pub const MISSING: &str = "n/a";

/// A number with fixed decimals, a comma between thousands, a true minus sign, and no minus on a zero.
pub fn fixed(value: f64, decimals: usize) -> String {
    if !value.is_finite() {
        return MISSING.to_owned();
    }
    let digits = grouped(&format!("{:.decimals$}", value.abs()));
    if value < 0.0 && !is_zero(&digits) { format!("\u{2212}{digits}") } else { digits }
}

/// Like [`fixed`], with a plus before positive numbers.
pub fn signed(value: f64, decimals: usize) -> String {
    let text = fixed(value, decimals);
    if value.is_finite() && value > 0.0 && !is_zero(&text) { format!("+{text}") } else { text }
}

/// Whether a number as shown is zero.
pub fn is_zero(digits: &str) -> bool {
    digits.chars().all(|digit| matches!(digit, '0' | '.'))
}

/// A whole number with a comma between thousands.
pub fn count(number: usize) -> String {
    grouped(&number.to_string())
}

/// Digits, with decimals or without, with a comma between thousands.
fn grouped(digits: &str) -> String {
    let whole = digits.find('.').unwrap_or(digits.len());
    let mut text = String::with_capacity(digits.len() + whole / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && index < whole && (whole - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number and its noun, in the plural where due.
pub fn plural(number: usize, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

/// A setting, in the shortest form that reads back as the same number: `0.0005`, `2.5e−5`.
pub fn setting(value: f64) -> String {
    if !value.is_finite() {
        return MISSING.to_owned();
    }
    let text = if is_plain(value) { value.to_string() } else { format!("{value:e}") };
    text.replace('-', "\u{2212}")
}

/// A learning rate, rounded to three significant digits: `0.00109`, `2.5e−5`.
pub fn rate(value: f64) -> String {
    // Rounding to three digits cannot make a number that does not parse.
    setting(format!("{value:.2e}").parse().unwrap_or(f64::NAN))
}

/// Whether a number is written without a power of ten.
pub(crate) fn is_plain(value: f64) -> bool {
    value == 0.0 || (1e-4..1e9).contains(&value.abs())
}

/// A time in milliseconds with three significant digits, down to a hundredth of a microsecond.
pub fn milliseconds(value: f64) -> String {
    significant(value, 5)
}

/// A ratio with three significant digits.
pub fn ratio(value: f64) -> String {
    significant(value, 4)
}

/// Three significant digits, with at most `most` decimals.
fn significant(value: f64, most: usize) -> String {
    // 9.995 rounds to 10.0, which has three digits with one decimal less.
    let enough = |decimals: &usize| value.abs() >= 0.9995 * 10f64.powi(2 - *decimals as i32);
    fixed(value, (0..most).find(enough).unwrap_or(most))
}

/// A size in mebibytes.
pub fn mebibytes(bytes: Option<u64>) -> String {
    bytes.map_or_else(|| MISSING.to_owned(), |bytes| fixed(bytes as f64 / (1024.0 * 1024.0), 1))
}

/// A size in the binary unit that suits it: `640 B`, `1.5 KiB`, `2.0 GiB`.
pub fn bytes(bytes: u64) -> String {
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut size = bytes as f64 / 1024.0;
    let mut units = ["KiB", "MiB", "GiB"].into_iter().peekable();
    // 1023.95 would be shown as 1024.0.
    while size >= 1023.95 && units.len() > 1 {
        size /= 1024.0;
        units.next();
    }
    format!("{} {}", fixed(size, 1), units.next().unwrap_or("GiB"))
}

/// A time span in its two largest units: `12.3 s`, `4 min 05 s`, `2 h 07 min`, `3 d 04 h`.
pub fn duration(seconds: f64) -> String {
    if !(seconds.is_finite() && seconds >= 0.0) {
        return MISSING.to_owned();
    }
    // 59.95 would be shown as 60.0.
    if seconds < 59.95 {
        return format!("{} s", fixed(seconds, 1));
    }
    let whole = seconds.round() as u64;
    match whole {
        0..3600 => format!("{} min {:02} s", whole / 60, whole % 60),
        3600..86_400 => format!("{} h {:02} min", whole / 3600, whole % 3600 / 60),
        _ => format!("{} d {:02} h", whole / 86_400, whole % 86_400 / 3600),
    }
}

/// A size that is a round number of its binary unit: `640 B`, `32 KiB`.
pub fn round_bytes(size: f64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let unit = ((size.max(1.0).log2() / 10.0) as usize).min(units.len() - 1);
    format!("{} {}", setting(size / 1024f64.powi(unit as i32)), units[unit])
}

/// A fitted temperature: `1.243`.
pub fn temperature(value: f64) -> String {
    fixed(value, 3)
}

/// The text with its first letter in upper case.
pub(crate) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Joins words as a sentence does: `a, b and c`.
pub fn enumerate(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_has_no_sign() {
        assert_eq!(fixed(-0.001, 2), "0.00");
        assert_eq!(signed(0.001, 2), "0.00");
        assert_eq!(signed(-0.1, 2), "\u{2212}0.10");
        assert_eq!(signed(0.1, 2), "+0.10");
    }

    #[test]
    fn what_is_not_finite_is_missing() {
        assert_eq!(fixed(f64::NAN, 2), MISSING);
        assert_eq!(signed(f64::INFINITY, 2), MISSING);
        assert_eq!(milliseconds(f64::NAN), MISSING);
        assert_eq!(mebibytes(None), MISSING);
    }

    #[test]
    fn thousands_are_separated() {
        assert_eq!(count(0), "0");
        assert_eq!(count(797), "797");
        assert_eq!(count(1_797), "1,797");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(fixed(-1_234.567, 2), "\u{2212}1,234.57");
        assert_eq!(fixed(123.4567, 4), "123.4567");
        assert_eq!(fixed(999.6, 0), "1,000");
    }

    #[test]
    fn times_keep_three_digits() {
        assert_eq!(milliseconds(1234.4), "1,234");
        assert_eq!(milliseconds(123.4), "123");
        assert_eq!(milliseconds(99.96), "100");
        assert_eq!(milliseconds(12.34), "12.3");
        assert_eq!(milliseconds(9.996), "10.0");
        assert_eq!(milliseconds(1.234), "1.23");
        assert_eq!(milliseconds(0.1234), "0.123");
        assert_eq!(milliseconds(0.012_34), "0.0123");
        assert_eq!(milliseconds(0.000_123_4), "0.00012");
        assert_eq!(milliseconds(0.0), "0.00000");
    }

    #[test]
    fn settings_are_short_and_read_back() {
        let settings = [0.1, 5e-4, 2.5e-5, -2.5e-5, 0.0, 80.0, 1e9, f64::NAN];
        assert_eq!(
            settings.map(setting),
            ["0.1", "0.0005", "2.5e\u{2212}5", "\u{2212}2.5e\u{2212}5", "0", "80", "1e9", MISSING]
        );
        let rates = [0.001_094_3, 0.1, 2.499_9e-5, 0.0, f64::INFINITY];
        assert_eq!(rates.map(rate), ["0.00109", "0.1", "2.5e\u{2212}5", "0", MISSING]);
    }

    #[test]
    fn time_spans_have_two_units() {
        let spans = [0.04, 12.34, 59.96, 245.0, 7_625.0, 273_600.0, f64::NAN, -1.0].map(duration);
        assert_eq!(spans, ["0.0 s", "12.3 s", "1 min 00 s", "4 min 05 s", "2 h 07 min", "3 d 04 h", MISSING, MISSING]);
    }

    #[test]
    fn sizes_have_their_unit() {
        assert_eq!(bytes(0), "0 B");
        assert_eq!(bytes(1023), "1023 B");
        assert_eq!(bytes(1536), "1.5 KiB");
        assert_eq!(bytes((1 << 20) - 1), "1.0 MiB");
        assert_eq!(bytes(2 << 30), "2.0 GiB");
        assert_eq!(bytes(5 << 40), "5,120.0 GiB");
    }

    #[test]
    fn round_numbers_are_short() {
        assert_eq!(
            ["512 B", "1 KiB", "32 MiB", "2048 TiB"],
            [9, 10, 25, 51].map(|power| round_bytes(2f64.powi(power)))
        );
    }

    #[test]
    fn lists_read_as_sentences() {
        let words: Vec<String> = ["a", "b", "c"].map(str::to_owned).to_vec();
        assert_eq!(enumerate(&words), "a, b and c");
        assert_eq!(enumerate(&words[..1]), "a");
        assert_eq!(enumerate(&[]), "");
    }
}
