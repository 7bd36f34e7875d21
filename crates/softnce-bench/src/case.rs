//! The sizes that are measured.

use std::fmt;
use std::str::FromStr;

use softnce_report::number::count;

use crate::SettingError;

/// The sizes of one measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Case {
    /// Rows of the logits, N.
    pub rows: usize,
    /// Candidate targets, M, at least N: the first N are the rows' own.
    pub candidates: usize,
    /// Classes, d.
    pub classes: usize,
    /// Width of the features, D, of a linear head; `None` if the logits are given.
    pub features: Option<usize>,
}

/// Rows and candidates of the cases with a linear head.
const HEAD_ROWS: usize = 1024;
/// Width of their features.
const HEAD_FEATURES: usize = 256;
/// Larger values are taken for typing errors.
const MOST: usize = 100_000_000;

impl Case {
    /// The standard cases.
    pub const STANDARD: [Case; 7] = [
        Case::of(128, 128, 10),
        Case::of(128, 1024, 200),
        Case::of(128, 1024, 1000),
        Case::of(1024, 1024, 1000),
        Case::of(4096, 4096, 1000),
        Case::of(1024, 1024, 21841),
        Case::of(256, 65536, 1000),
    ];

    /// The standard cases with a linear head.
    pub const HEADS: [Case; 4] =
        [Case::with_head(10_000), Case::with_head(100_000), Case::with_head(1_000_000), Case::with_head(10_000_000)];

    const fn of(rows: usize, candidates: usize, classes: usize) -> Self {
        Case { rows, candidates, classes, features: None }
    }

    const fn with_head(classes: usize) -> Self {
        Case { rows: HEAD_ROWS, candidates: HEAD_ROWS, classes, features: Some(HEAD_FEATURES) }
    }

    /// A case on given logits.
    ///
    /// # Errors
    /// A size that is 0 or absurd; fewer candidates than rows.
    pub fn loss(rows: usize, candidates: usize, classes: usize) -> Result<Self, SettingError> {
        let case = Case::of(rows, candidates, classes);
        let sizes = [rows, candidates, classes];
        let value = sizes.map(|size| size.to_string()).join(",");
        if sizes.iter().any(|size| !(1..=MOST).contains(size)) {
            return Err(SettingError { argument: "case", found: value, expected: "numbers from 1 to 100000000" });
        }
        if candidates < rows {
            let expected = "N,M,D with M at least N: the rows' own targets are among the candidates";
            return Err(SettingError { argument: "case", found: value, expected });
        }
        Ok(case)
    }

    /// A case with a linear head over this many classes.
    ///
    /// # Errors
    /// A number of classes that is 0 or absurd.
    pub fn head(classes: usize) -> Result<Self, SettingError> {
        if (1..=MOST).contains(&classes) {
            return Ok(Case::with_head(classes));
        }
        let expected = "a number of classes from 1 to 100000000";
        Err(SettingError { argument: "head case", found: classes.to_string(), expected })
    }

    /// Small cases that vary one of N, M and d and keep the others at 256, 1024 and 1000.
    pub fn sweep() -> Vec<Self> {
        let rows = [32, 64, 128, 256, 512, 1024].map(|rows| Case::of(rows, 1024, 1000));
        let candidates = [256, 512, 1024, 2048, 4096, 8192, 16384].map(|candidates| Case::of(256, candidates, 1000));
        let classes = [16, 64, 256, 1000, 4096, 16384].map(|classes| Case::of(256, 1024, classes));
        let mut cases = [&rows[..], &candidates, &classes].concat();
        let mut seen = std::collections::HashSet::new();
        cases.retain(|case| seen.insert(*case));
        cases
    }

    /// Bytes of an array of f32 with these extents.
    pub(crate) fn bytes(extents: &[usize]) -> u128 {
        extents.iter().fold(size_of::<f32>() as u128, |bytes, &extent| bytes.saturating_mul(extent as u128))
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [rows, candidates, classes] = [self.rows, self.candidates, self.classes].map(count);
        write!(f, "N={rows}, M={candidates}, d={classes}")?;
        self.features.map_or(Ok(()), |features| write!(f, ", D={}", count(features)))
    }
}

impl FromStr for Case {
    type Err = SettingError;

    /// Reads `N,M,D`.
    fn from_str(text: &str) -> Result<Self, SettingError> {
        let sizes: Option<Vec<usize>> = text.split(',').map(|size| size.trim().parse().ok()).collect();
        match sizes.as_deref() {
            Some(&[rows, candidates, classes]) => Case::loss(rows, candidates, classes),
            _ => Err(SettingError {
                argument: "case",
                found: text.to_owned(),
                expected: "N,M,D: rows, candidates and classes as three whole numbers",
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_is_read_from_three_numbers() {
        assert_eq!("128,1024,200".parse::<Case>().unwrap(), Case::STANDARD[1]);
        let refused = |text: &str| text.parse::<Case>().unwrap_err().to_string();
        assert_eq!(refused("1,2"), "case is 1,2, expected N,M,D: rows, candidates and classes as three whole numbers");
        assert!(refused("a,2,3").starts_with("case is a,2,3, expected N,M,D"));
        assert!(refused("4,2,3").contains("M at least N"));
        assert_eq!(refused("0,2,3"), "case is 0,2,3, expected numbers from 1 to 100000000");
        assert!(Case::head(0).unwrap_err().to_string().starts_with("head case is 0, expected"));
    }

    #[test]
    fn the_fixed_cases_are_valid() {
        for case in Case::STANDARD.into_iter().chain(Case::sweep()) {
            assert_eq!(Case::loss(case.rows, case.candidates, case.classes).unwrap(), case);
        }
        for case in Case::HEADS {
            assert_eq!(Case::head(case.classes).unwrap(), case);
        }
    }

    #[test]
    fn a_sweep_varies_each_size_about_one_centre() {
        let cases = Case::sweep();
        assert!(cases.contains(&Case::of(256, 1024, 1000)));
        let off = |case: &&Case| {
            [case.rows != 256, case.candidates != 1024, case.classes != 1000].iter().filter(|off| **off).count()
        };
        assert!(cases.iter().all(|case| off(&case) <= 1));
        assert_eq!(cases.iter().filter(|case| off(case) == 0).count(), 1);
    }

    #[test]
    fn sizes_do_not_overflow() {
        assert_eq!(Case::bytes(&[128, 1024, 1000]), 524_288_000);
        assert_eq!(Case::bytes(&[MOST; 3]), 4 * (MOST as u128).pow(3));
        assert_eq!(Case::bytes(&[usize::MAX; 3]), u128::MAX);
    }
}
