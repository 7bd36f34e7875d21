//! Sets of cases that have a name.

use crate::{Case, SettingError};

/// A set of cases that has a name.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, strum::Display, strum::EnumString, strum::IntoStaticStr, strum::VariantArray,
)]
#[strum(serialize_all = "snake_case", parse_err_ty = SettingError, parse_err_fn = unknown_name)]
pub enum CaseSet {
    /// [`Case::STANDARD`].
    Standard,
    /// [`Case::HEADS`].
    Heads,
    /// [`Case::sweep`].
    Sweep,
    /// The first three of [`Case::STANDARD`], which take seconds.
    Quick,
}

/// How many of the standard cases are quick.
const QUICK: usize = 3;

impl CaseSet {
    /// Every set.
    pub const ALL: &'static [CaseSet] = <Self as strum::VariantArray>::VARIANTS;

    /// The sets that are measured by default.
    pub const DEFAULT: [CaseSet; 3] = [CaseSet::Standard, CaseSet::Heads, CaseSet::Sweep];

    /// The name used on command lines.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The cases of the set.
    pub fn cases(self) -> Vec<Case> {
        match self {
            CaseSet::Standard => Case::STANDARD.to_vec(),
            CaseSet::Heads => Case::HEADS.to_vec(),
            CaseSet::Sweep => Case::sweep(),
            CaseSet::Quick => Case::STANDARD[..QUICK].to_vec(),
        }
    }

    /// The cases of all these sets in their order, those of two sets once.
    pub fn union(sets: &[CaseSet]) -> Vec<Case> {
        let mut seen = std::collections::HashSet::new();
        sets.iter().flat_map(|set| set.cases()).filter(|case| seen.insert(*case)).collect()
    }
}

fn unknown_name(name: &str) -> SettingError {
    SettingError { argument: "cases", found: name.to_owned(), expected: "one of standard, heads, sweep, quick" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back() {
        for &set in CaseSet::ALL {
            assert_eq!(set.name().parse::<CaseSet>().unwrap(), set);
        }
        let message = "fast".parse::<CaseSet>().unwrap_err().to_string();
        assert_eq!(message, "cases is fast, expected one of standard, heads, sweep, quick");
    }

    #[test]
    fn a_case_of_two_sets_is_measured_once() {
        let cases = CaseSet::union(&CaseSet::DEFAULT);
        let parts = CaseSet::DEFAULT.map(|set| set.cases().len()).iter().sum::<usize>();
        assert!(cases.len() < parts, "two sets share a case");
        assert!(cases.iter().enumerate().all(|(index, case)| !cases[..index].contains(case)));
        assert!(CaseSet::union(CaseSet::ALL) == cases, "the quick ones are among the standard ones");
    }
}
