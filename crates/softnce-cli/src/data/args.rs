//! The options of the command `data`.

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
    /// Download a data set to the cache folder, and print its folder.
    ///
    /// Continues an interrupted download, and checks the checksum before the set is put in place. Uses the proxy of
    /// HTTPS_PROXY or HTTP_PROXY.
    Fetch(FetchArguments),
    /// Describe a data set, and write a contact sheet of its pictures.
    Info(InfoArguments),
}

#[derive(Debug, Args)]
pub struct FetchArguments {
    /// Data set: mnist, fashion-mnist, cifar-10, cifar-100, cifar-10h or tiny-imagenet.
    #[arg(value_name = "NAME", value_parser = parse_set)]
    pub set: KnownSet,
    /// Cache folder [default: $SOFTNCE_DATA, or softnce in the user's cache folder].
    #[arg(long, value_name = "DIR")]
    pub cache: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct InfoArguments {
    /// Folder of the set, name of a downloaded set, or optdigits (built in).
    pub path: PathBuf,
    /// Layout of the folder: idx, cifar10, cifar100, tree or tiny-imagenet [default: detected].
    #[arg(long, value_parser = parse_layout)]
    pub layout: Option<Layout>,
    /// Split to describe, train or test [default: both].
    #[arg(long, value_parser = parse_split)]
    pub split: Option<Split>,
    /// Pictures to decode in each split for the table of sizes.
    #[arg(long, value_name = "PICTURES", default_value = "2000")]
    pub at_most: NonZeroUsize,
    /// Decode every picture: exact sizes, and damaged files are found.
    #[arg(long, conflicts_with = "at_most")]
    pub all: bool,
    /// PNG file for the contact sheet.
    #[arg(long, value_name = "FILE", default_value = "contact-sheet.png")]
    pub sheet: PathBuf,
    /// Columns of the sheet.
    #[arg(long, default_value_t = 16)]
    pub columns: usize,
    /// Rows of the sheet.
    #[arg(long, default_value_t = 10)]
    pub rows: usize,
    /// Seed that draws the pictures of the sheet.
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
