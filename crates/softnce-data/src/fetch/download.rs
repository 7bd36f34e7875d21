//! Downloads one file and verifies it.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::net::IpAddr;
use std::path::Path;

use softnce_store::put_in_place;
use ureq::Agent;
use ureq::http::header::{CONTENT_LENGTH, CONTENT_RANGE, RANGE};
use ureq::http::{Response, Uri};

use super::checksum::Checksum;
use super::error::FetchError;
use super::progress::{FetchProgress, ReportProgress, Stage};
use super::pump::{PumpError, pump};
use super::set::RemoteFile;

/// Downloads a file to `target`, unless a file with the right checksum exists.
pub(super) fn download(
    agent: &Agent,
    file: &RemoteFile,
    target: &Path,
    report: &mut ReportProgress<'_>,
) -> Result<(), FetchError> {
    if target.is_file() {
        let mut there = File::open(target).map_err(FetchError::file("read", target))?;
        match checksum(&mut there, file, target, report)? {
            found if found == file.checksum => return Ok(()),
            found => log::warn!("{}: {found}; expected {}; downloading it again", target.display(), file.checksum),
        }
    }
    let path = target.with_added_extension("part");
    let mut options = File::options();
    let part = options
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .open(&path)
        .map_err(FetchError::file("write", &path))?;
    let mut download = Download { agent, file, path: &path, part };
    let mut last: Option<FetchError> = None;
    for url in &file.urls {
        if let Some(error) = last.take() {
            log::warn!("{error}; trying {url}");
        }
        match download.from(url, report) {
            Ok(()) => {
                // Close the file first: some systems cannot rename an open file.
                drop(download);
                return Ok(put_in_place(&path, target)?);
            }
            Err(error) if error.is_the_servers() => last = Some(error),
            Err(error) => return Err(error),
        }
    }
    Err(last.unwrap_or_else(|| FetchError::NoAddress { file: file.name.clone() }))
}

/// A download in progress.
struct Download<'d> {
    agent: &'d Agent,
    file: &'d RemoteFile,
    path: &'d Path,
    part: File,
}

impl Download<'_> {
    /// Downloads from one address until the file is complete and verified, as long as each connection brings new bytes.
    fn from(&mut self, url: &str, report: &mut ReportProgress<'_>) -> Result<(), FetchError> {
        let mut began = self.length()?;
        loop {
            let before = self.length()?;
            match self.connect(url, report) {
                Err(FetchError::Cut { .. }) if self.length()? > before => continue,
                other => other?,
            }
            let found = checksum(&mut self.part, self.file, self.path, report)?;
            if found == self.file.checksum {
                return Ok(());
            }
            self.truncate()?;
            let expected = self.file.checksum.clone();
            if began == 0 {
                return Err(FetchError::Mismatch { url: url.to_owned(), found, expected });
            }
            // The part from an earlier call may be wrong: start again.
            log::warn!("{url}: {found} after continuing an earlier download; starting again");
            began = 0;
        }
    }

    /// Receives the missing bytes over one connection.
    fn connect(&mut self, url: &str, report: &mut ReportProgress<'_>) -> Result<(), FetchError> {
        let bytes = self.file.bytes;
        let mut have = self.length()?;
        if have > bytes {
            self.truncate()?;
            have = 0;
        }
        if have == bytes {
            return Ok(());
        }
        let mut request = self.agent.get(url);
        if is_loopback(url) {
            // A proxy cannot reach what only this machine can.
            request = request.config().proxy(None).build();
        }
        if have > 0 {
            request = request.header(RANGE, format!("bytes={have}-"));
        }
        let response =
            request.call().map_err(|source| FetchError::Http { url: url.to_owned(), source: source.into() })?;
        match response.status().as_u16() {
            206 if have > 0 => check_range(url, &response, have, bytes)?,
            // The server does not have this part.
            416 if have > 0 => {
                self.truncate()?;
                return self.connect(url, report);
            }
            // The server sends the whole file. Keep the existing part if the size shows another page than the file.
            200 if have > 0 => {
                let length = content_length(&response);
                if let Some(found) = length.filter(|&found| found != bytes) {
                    return Err(FetchError::Size { url: url.to_owned(), found, expected: bytes });
                }
                self.truncate()?;
                have = 0;
            }
            200 => {}
            status => return Err(FetchError::Status { url: url.to_owned(), status }),
        }
        let length = content_length(&response);
        if let Some(found) = length.map(|length| have.saturating_add(length)).filter(|&found| found != bytes) {
            return Err(FetchError::Size { url: url.to_owned(), found, expected: bytes });
        }
        self.part.seek(SeekFrom::Start(have)).map_err(FetchError::file("write", self.path))?;
        // One byte more than expected shows an answer that is too long.
        let body = response.into_body().into_reader().take(bytes - have + 1);
        let name = self.file.name.as_str();
        let mut done = have;
        let copied = pump(body, &mut self.part, |count| {
            done += count;
            report(FetchProgress { file: name, stage: Stage::Downloading, done: done.min(bytes), total: bytes });
        });
        let cut = |source| FetchError::Cut { url: url.to_owned(), received: done, expected: bytes, source };
        match copied {
            Ok(_) if done == bytes => Ok(()),
            Ok(_) if done < bytes => Err(cut(None)),
            Ok(_) => {
                self.truncate()?;
                Err(FetchError::Size { url: url.to_owned(), found: done, expected: bytes })
            }
            Err(PumpError::Read(source)) => Err(cut(Some(source))),
            Err(PumpError::Write(source)) => Err(FetchError::file("write", self.path)(source)),
        }
    }

    fn length(&self) -> Result<u64, FetchError> {
        Ok(self.part.metadata().map_err(FetchError::file("read", self.path))?.len())
    }

    fn truncate(&mut self) -> Result<(), FetchError> {
        self.part.set_len(0).map_err(FetchError::file("write", self.path))
    }
}

/// Checks that the answer is the requested part.
fn check_range<B>(url: &str, response: &Response<B>, offset: u64, bytes: u64) -> Result<(), FetchError> {
    let found = header(response, CONTENT_RANGE.as_str()).unwrap_or_default();
    // Such as "bytes 1000-1999/2000"; the size may be "*", unknown.
    let parse = || {
        let (range, total) = found.strip_prefix("bytes ")?.split_once('/')?;
        let start: u64 = range.split_once('-')?.0.parse().ok()?;
        let same = total == "*" || total.parse() == Ok(bytes);
        (start == offset && same).then_some(())
    };
    parse().ok_or_else(|| FetchError::Range { url: url.to_owned(), found: found.to_owned(), offset, bytes })
}

/// Whether the address is on this machine.
fn is_loopback(url: &str) -> bool {
    let host = url.parse::<Uri>().ok().and_then(|uri| uri.host().map(str::to_owned)).unwrap_or_default();
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

fn content_length<B>(response: &Response<B>) -> Option<u64> {
    header(response, CONTENT_LENGTH.as_str())?.parse().ok()
}

fn header<'r, B>(response: &'r Response<B>, name: &str) -> Option<&'r str> {
    response.headers().get(name)?.to_str().ok()
}

/// The checksum of a whole file.
fn checksum(
    open: &mut File,
    file: &RemoteFile,
    path: &Path,
    report: &mut ReportProgress<'_>,
) -> Result<Checksum, FetchError> {
    open.seek(SeekFrom::Start(0)).map_err(FetchError::file("read", path))?;
    let each = |done| report(FetchProgress { file: &file.name, stage: Stage::Checking, done, total: file.bytes });
    file.checksum.of_same_kind(open, each).map_err(FetchError::file("read", path))
}
