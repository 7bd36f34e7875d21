//! The command line of `data`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use softnce_data::fetch::{self, FetchError, KnownSet};
use softnce_data::sets::{Layout, SetError, Split};

#[derive(Debug, Args)]
pub struct DataArguments {
    #[command(subcommand)]
    pub command: DataCommand,
}

#[derive(Debug, Subcommand)]
pub enum DataCommand {
    /// Download a set into the cache folder, unless it is there.
    ///
    /// A download that was cut off goes on where it ended; nothing is put in place before its checksum is right. Prints
    /// the set's folder. An environment variable HTTPS_PROXY or HTTP_PROXY is heeded.
    Fetch(FetchArguments),
    /// Say what a set holds, and write some of its pictures side by side as a PNG file.
    Info(InfoArguments),
}

#[derive(Debug, Args)]
pub struct FetchArguments {
    /// The set: mnist, fashion-mnist, cifar-10, cifar-100, cifar-10h or tiny-imagenet.
    #[arg(value_name = "NAME", value_parser = parse_set)]
    pub set: KnownSet,
    /// The cache folder [default: $SOFTNCE_DATA, or else softnce in the user's cache folder].
    #[arg(long, value_name = "DIR")]
    pub cache: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct InfoArguments {
    /// The set's folder, or the name of a set that was fetched, or optdigits, the set embedded in the program.
    pub path: PathBuf,
    /// How the folder is laid out: idx, cifar10, cifar100, tree or tiny-imagenet [default: told from its files].
    #[arg(long, value_parser = parse_layout)]
    pub layout: Option<Layout>,
    /// The part to look at, train or test [default: those there are].
    #[arg(long, value_parser = parse_split)]
    pub split: Option<Split>,
    /// Decode at most so many pictures of a part to tell their sizes.
    #[arg(long, value_name = "PICTURES", default_value = "2000")]
    pub at_most: NonZeroUsize,
    /// Decode every picture: the sizes are exact, and a damaged file is found.
    #[arg(long, conflicts_with = "at_most")]
    pub all: bool,
    /// Where the contact sheet goes.
    #[arg(long, value_name = "FILE", default_value = "contact-sheet.png")]
    pub sheet: PathBuf,
    /// Pictures in a row of the sheet.
    #[arg(long, default_value_t = 16)]
    pub columns: usize,
    /// Rows of the sheet.
    #[arg(long, default_value_t = 10)]
    pub rows: usize,
    /// What the pictures of the sheet are drawn from.
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
}

fn parse_set(name: &str) -> Result<KnownSet, FetchError> {
    fetch::find(name)
}

fn parse_layout(name: &str) -> Result<Layout, SetError> {
    name.parse()
}

fn parse_split(name: &str) -> Result<Split, String> {
    let known = [Split::Train, Split::Test].into_iter().find(|split| split.name() == name);
    known.ok_or_else(|| format!("split: '{name}'; expected train or test"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_names_every_set() {
        let help = FetchArguments::augment_args(clap::Command::new("fetch")).render_help().to_string();
        for set in softnce_data::fetch::known() {
            assert!(help.contains(&set.name), "{} in {help}", set.name);
        }
    }
}
