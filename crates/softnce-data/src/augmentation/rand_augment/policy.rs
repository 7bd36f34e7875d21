//! Parses a policy from timm's notation.

use crate::augmentation::AugmentationError;

/// The magnitude at which operations have their stated range.
const FULL: f64 = 10.0;

/// The settings of a policy.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Policy {
    /// `n`: operations per picture.
    pub(super) layers: usize,
    /// `m`: mean magnitude.
    pub(super) magnitude: f64,
    /// `mstd`: random deviation of the magnitude.
    pub(super) deviation: Deviation,
    /// `mmax`: largest magnitude.
    pub(super) most: f64,
    /// `p`: probability of each operation.
    pub(super) probability: f64,
    /// `inc`: whether all operations become stronger with the magnitude.
    pub(super) increasing: bool,
}

/// Distribution of the magnitude.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Deviation {
    None,
    /// Normal with this standard deviation.
    Normal(f64),
    /// Uniform from 0 to the magnitude; in timm's notation a deviation above 100.
    Uniform,
}

impl Policy {
    /// Parses `rand` and sections in any order: `m`, `n`, `p`, `mstd`, `mmax`, `inc`, each followed by its number.
    /// Unlike in timm, an unknown section is an error.
    pub(super) fn parse(text: &str) -> Result<Self, AugmentationError> {
        let mut policy = Policy {
            layers: 2,
            magnitude: FULL,
            deviation: Deviation::None,
            most: FULL,
            probability: 0.5,
            increasing: false,
        };
        let refuse = |section: &str, expected| {
            Err(AugmentationError::RandAugment { text: text.to_owned(), section: section.to_owned(), expected })
        };
        let mut sections = text.split('-');
        match sections.next() {
            Some("rand") => {}
            first => return refuse(first.unwrap_or_default(), "rand first, as in rand-m9-mstd0.5-inc1"),
        }
        for section in sections {
            let digits = section.find(|letter: char| letter.is_ascii_digit()).unwrap_or(section.len());
            let (key, value) = section.split_at(digits);
            let whole = value.parse::<u32>();
            let number = value.parse::<f64>();
            match (key, whole, number) {
                ("m", Ok(value), _) if value <= 1000 => policy.magnitude = f64::from(value),
                ("m", ..) => return refuse(section, "m and a whole number"),
                ("n", Ok(value), _) if value <= 100 => policy.layers = value as usize,
                ("n", ..) => return refuse(section, "n and a whole number up to 100"),
                ("mmax", Ok(value), _) if (1..=1000).contains(&value) => policy.most = f64::from(value),
                ("mmax", ..) => return refuse(section, "mmax and a whole number above 0"),
                ("inc", Ok(value), _) if value <= 1 => policy.increasing = value == 1,
                ("inc", ..) => return refuse(section, "inc0 or inc1"),
                ("p", _, Ok(value)) if (0.0..=1.0).contains(&value) => policy.probability = value,
                ("p", ..) => return refuse(section, "p and a probability from 0 to 1"),
                ("mstd", _, Ok(value)) if value.is_finite() && value >= 0.0 => {
                    policy.deviation = match value {
                        0.0 => Deviation::None,
                        value if value > 100.0 => Deviation::Uniform,
                        value => Deviation::Normal(value),
                    };
                }
                ("mstd", ..) => return refuse(section, "mstd and a number not below 0"),
                _ => return refuse(section, "one of m, n, p, mstd, mmax, inc with its number"),
            }
        }
        Ok(policy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_mean_the_same_as_in_timm() {
        let usual = Policy {
            layers: 2,
            magnitude: 9.0,
            deviation: Deviation::Normal(0.5),
            most: 10.0,
            probability: 0.5,
            increasing: true,
        };
        assert_eq!(Policy::parse("rand-m9-mstd0.5-inc1").unwrap(), usual);
        let other = Policy {
            layers: 3,
            magnitude: 10.0,
            deviation: Deviation::Uniform,
            most: 15.0,
            probability: 0.25,
            increasing: false,
        };
        assert_eq!(Policy::parse("rand-n3-p0.25-mstd101-mmax15").unwrap(), other);
        assert!(!Policy::parse("rand-inc0").unwrap().increasing);
    }

    #[test]
    fn unknown_sections_are_refused() {
        for (text, section) in [
            ("", "\"\""),
            ("augmix-m5", "\"augmix\""),
            ("rand-m9-q4", "\"q4\""),
            ("rand-m", "\"m\""),
            ("rand-m9.5", "\"m9.5\""),
            ("rand-p1.5", "\"p1.5\""),
            ("rand-inc", "\"inc\""),
            ("rand-m9--inc1", "\"\""),
            ("rand-tweights", "\"tweights\""),
            ("rand-n1e9", "\"n1e9\""),
        ] {
            let error = Policy::parse(text).unwrap_err().to_string();
            assert!(error.contains(section), "{text}: {error}");
        }
    }
}
