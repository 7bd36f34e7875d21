//! Arguments that several commands take.

use std::error::Error;
use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;

/// Where the data is, and the device.
#[derive(Debug, Args)]
pub struct PlaceArguments<D>
where
    D: FromStr + Clone + Send + Sync + 'static,
    D::Err: Error + Send + Sync + 'static,
{
    /// Data folder: relative paths of data, label files and weights start from it [default: $SOFTNCE_DATA, or the folder
    /// that `softnce data fetch` fills].
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Device: cpu; or cuda, vulkan, metal or rocm if the program was built with it.
    #[arg(long, default_value = "cpu")]
    pub device: D,
}

/// A word as a shell takes it.
pub fn quoted(word: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./=+:,".contains(letter);
    if word.chars().all(plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_quoted_words_as_they_were() {
        assert_eq!(quoted("loss.kind=nll"), "loss.kind=nll");
        assert_eq!(quoted("optimizer={kind=\"sgd\"}"), "'optimizer={kind=\"sgd\"}'");
        assert_eq!(quoted("it's"), "'it'\\''s'");
    }
}
