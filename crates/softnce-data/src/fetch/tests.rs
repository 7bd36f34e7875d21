mod server;

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use self::server::{Page, Server};
use super::*;

/// 300,000 bytes without a pattern that a shift would keep.
fn content() -> Vec<u8> {
    (0..300_000u32).map(|place| (place.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
}

fn md5(content: &[u8]) -> Checksum {
    Checksum::Md5(String::new()).of_same_kind(content, |_| {}).unwrap()
}

/// A set of one file.
fn single(urls: Vec<String>, content: &[u8]) -> KnownSet {
    let (bytes, checksum) = (content.len() as u64, md5(content));
    let file = RemoteFile { name: "file.bin".to_owned(), other_names: Vec::new(), urls, bytes, checksum };
    KnownSet {
        name: "made".to_owned(),
        about: String::new(),
        kind: SetKind::Graph,
        other_folders: Vec::new(),
        content: Content::Files { files: vec![file], class_names: vec!["cat".to_owned(), "dog".to_owned()] },
    }
}

fn get(set: &KnownSet, cache: &Path) -> Result<PathBuf, FetchError> {
    fetch(set, cache, &mut |_| {})
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort_unstable();
    names
}

#[test]
fn a_whole_file_comes_once() {
    let content = content();
    let server = Server::new([("/file", Page::new(&content))]);
    let cache = tempfile::tempdir().unwrap();
    let set = single(vec![server.url("/file")], &content);
    let mut told = Vec::new();
    let folder = fetch(&set, &cache.path().join("deep/cache"), &mut |progress| {
        assert_eq!((progress.file, progress.total), ("file.bin", 300_000));
        told.push((progress.stage, progress.done));
    });
    let folder = folder.unwrap();
    assert_eq!(folder, cache.path().join("deep/cache/made"));
    assert_eq!(fs::read(folder.join("file.bin")).unwrap(), content);
    assert_eq!(fs::read_to_string(folder.join("classes.txt")).unwrap(), "cat\ndog\n");
    assert_eq!(names(&folder), ["classes.txt", "file.bin"]);
    let of = |stage| told.iter().filter(|told| told.0 == stage).map(|told| told.1).collect::<Vec<_>>();
    for done in [of(Stage::Downloading), of(Stage::Checking)] {
        assert!(done.is_sorted() && done.last() == Some(&300_000), "{done:?}");
    }
    // It is there: nobody is asked again.
    get(&set, &cache.path().join("deep/cache")).unwrap();
    assert_eq!(server.requests(), [("/file".to_owned(), None)]);
}

#[test]
fn a_part_is_gone_on_with() {
    let content = content();
    let server = Server::new([("/file", Page::new(&content))]);
    let cache = tempfile::tempdir().unwrap();
    let set = single(vec![server.url("/file")], &content);
    let part = cache.path().join("made/file.bin.part");
    fs::create_dir(cache.path().join("made")).unwrap();
    fs::write(&part, &content[..1234]).unwrap();
    let folder = get(&set, cache.path()).unwrap();
    assert_eq!(fs::read(folder.join("file.bin")).unwrap(), content);
    assert_eq!(server.requests(), [("/file".to_owned(), Some(1234))]);
    assert!(!part.exists());
    // A part that is whole already needs no server.
    fs::rename(folder.join("file.bin"), &part).unwrap();
    get(&set, cache.path()).unwrap();
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_part_that_does_not_belong_there_is_dropped() {
    let content = content();
    let server = Server::new([("/file", Page::new(&content))]);
    let set = single(vec![server.url("/file")], &content);
    // Other bytes; longer than the file.
    for (part, asked) in [(vec![1; 5000], vec![Some(5000), None]), (vec![1; 300_001], vec![None])] {
        let cache = tempfile::tempdir().unwrap();
        fs::create_dir(cache.path().join("made")).unwrap();
        fs::write(cache.path().join("made/file.bin.part"), part).unwrap();
        let before = server.requests().len();
        let folder = get(&set, cache.path()).unwrap();
        assert_eq!(fs::read(folder.join("file.bin")).unwrap(), content);
        assert_eq!(server.requests()[before..].iter().map(|request| request.1).collect::<Vec<_>>(), asked);
    }
}

#[test]
fn a_server_without_parts_starts_again() {
    let content = content();
    let server = Server::new([("/file", Page { ranges: false, ..Page::new(&content) })]);
    let cache = tempfile::tempdir().unwrap();
    fs::create_dir(cache.path().join("made")).unwrap();
    fs::write(cache.path().join("made/file.bin.part"), &content[..1234]).unwrap();
    let folder = get(&single(vec![server.url("/file")], &content), cache.path()).unwrap();
    assert_eq!(fs::read(folder.join("file.bin")).unwrap(), content);
    assert_eq!(server.requests(), [("/file".to_owned(), Some(1234))]);
}

#[test]
fn a_server_that_hangs_up_is_asked_for_the_rest() {
    let content = content();
    let server = Server::new([("/file", Page { cut: Some(120_000), ..Page::new(&content) })]);
    let cache = tempfile::tempdir().unwrap();
    let folder = get(&single(vec![server.url("/file")], &content), cache.path()).unwrap();
    assert_eq!(fs::read(folder.join("file.bin")).unwrap(), content);
    let asked: Vec<_> = server.requests().into_iter().map(|request| request.1).collect();
    assert_eq!(asked, [None, Some(120_000), Some(240_000)]);
}

#[test]
fn a_truncated_file_is_an_error_and_stays() {
    let content = content();
    for length in [None, Some(None)] {
        let page = Page { cut: Some(120_000), ranges: false, length, ..Page::new(&content) };
        let server = Server::new([("/file", page)]);
        let cache = tempfile::tempdir().unwrap();
        let set = single(vec![server.url("/file")], &content);
        let error = get(&set, cache.path()).unwrap_err();
        assert!(matches!(error, FetchError::Cut { received: 120_000, expected: 300_000, .. }), "{error}");
        assert!(error.to_string().starts_with(&format!("{}: ended after 120000 of 300000 bytes", server.url("/file"))));
        assert_eq!(names(&cache.path().join("made")), ["file.bin.part"]);
        // Another server goes on with it.
        let better = Server::new([("/file", Page::new(&content))]);
        get(&single(vec![better.url("/file")], &content), cache.path()).unwrap();
        assert_eq!(better.requests()[0].1, Some(120_000));
    }
}

#[test]
fn a_wrong_checksum_leaves_nothing() {
    let content = content();
    let mut other = content.clone();
    other[200_000] ^= 1;
    let server = Server::new([("/file", Page::new(&other))]);
    let cache = tempfile::tempdir().unwrap();
    let error = get(&single(vec![server.url("/file")], &content), cache.path()).unwrap_err();
    let expected =
        format!("{}: {}; expected {}; the received file was deleted", server.url("/file"), md5(&other), md5(&content));
    assert_eq!(error.to_string(), expected);
    let part = cache.path().join("made/file.bin.part");
    assert!(!cache.path().join("made/file.bin").exists() && fs::metadata(part).unwrap().len() == 0);
}

#[test]
fn a_damaged_file_that_is_there_is_replaced() {
    let content = content();
    let server = Server::new([("/file", Page::new(&content))]);
    let cache = tempfile::tempdir().unwrap();
    fs::create_dir(cache.path().join("made")).unwrap();
    fs::write(cache.path().join("made/file.bin"), b"damaged").unwrap();
    let folder = get(&single(vec![server.url("/file")], &content), cache.path()).unwrap();
    assert_eq!(fs::read(folder.join("file.bin")).unwrap(), content);
}

#[test]
fn the_next_address_is_asked_and_the_last_error_told() {
    let content = content();
    let server = Server::new([("/file", Page::new(&content)), ("/page", Page::new(b"<html>gone</html>"))]);
    let cache = tempfile::tempdir().unwrap();
    let nobody = "http://127.0.0.1:9/file".to_owned();
    let urls = vec![nobody.clone(), server.url("/absent"), server.url("/page"), server.url("/file")];
    let folder = get(&single(urls, &content), cache.path()).unwrap();
    assert_eq!(fs::read(folder.join("file.bin")).unwrap(), content);

    let cache = tempfile::tempdir().unwrap();
    let message = |url: String| get(&single(vec![url], &content), cache.path()).unwrap_err().to_string();
    let absent = server.url("/absent");
    assert_eq!(message(absent.clone()), format!("{absent}: status 404; expected 200 or 206"));
    let page = server.url("/page");
    assert_eq!(message(page.clone()), format!("{page}: 17 bytes; expected 300000"));
    assert!(message(nobody.clone()).starts_with(&nobody));
    assert!(matches!(get(&single(vec![], &content), cache.path()), Err(FetchError::NoAddress { .. })));
}

#[test]
fn an_answer_of_another_part_or_length_is_refused() {
    let content = content();
    let wrong = Page { start: Some(7), ..Page::new(&content) };
    let long = Page { length: Some(None), ..Page::new(&[&content[..], b"more"].concat()) };
    let server = Server::new([("/wrong", wrong), ("/long", long)]);
    let cache = tempfile::tempdir().unwrap();
    fs::create_dir(cache.path().join("made")).unwrap();
    let part = cache.path().join("made/file.bin.part");
    fs::write(&part, &content[..1234]).unwrap();
    let error = get(&single(vec![server.url("/wrong")], &content), cache.path()).unwrap_err();
    assert!(
        error.to_string().contains("content range 'bytes 7-299999/300000'; expected bytes from 1234 on"),
        "{error}"
    );
    assert_eq!(fs::read(&part).unwrap(), content[..1234]);
    fs::remove_file(&part).unwrap();
    let error = get(&single(vec![server.url("/long")], &content), cache.path()).unwrap_err();
    assert!(matches!(error, FetchError::Size { found: 300_001, .. }), "{error}");
}

#[test]
fn two_fetches_of_one_set_do_not_meet() {
    let cache = tempfile::tempdir().unwrap();
    let held = lock(&cache.path().join("made")).unwrap();
    let set = single(vec![], b"x");
    let error = get(&set, cache.path()).unwrap_err();
    assert!(matches!(error, FetchError::Store(StoreError::Locked { .. })), "{error}");
    let message = error.to_string();
    assert!(
        message.contains("made (process ") && message.ends_with("; wait until it has fetched the set"),
        "{message}"
    );
    drop(held);
    assert!(matches!(get(&set, cache.path()), Err(FetchError::NoAddress { .. })));
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_told_with_the_path() {
    let content = content();
    let server = Server::new([("/file", Page::new(&content))]);
    let cache = tempfile::tempdir().unwrap();
    fs::create_dir(cache.path().join("made")).unwrap();
    let part = cache.path().join("made/file.bin.part");
    std::os::unix::fs::symlink("/dev/full", &part).unwrap();
    let error = get(&single(vec![server.url("/file"), server.url("/file")], &content), cache.path()).unwrap_err();
    match error {
        FetchError::Store(StoreError::File { path, source, .. }) => {
            assert_eq!((path, source.kind()), (part, std::io::ErrorKind::StorageFull));
        }
        other => panic!("{other}"),
    }
    // Another server would not help.
    assert_eq!(server.requests().len(), 1);
}

/// A tar file of these entries; the name is written as it is, which the library would refuse to.
fn tar_gz(entries: &[(&str, tar::EntryType, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (name, kind, content) in entries {
        let mut header = tar::Header::new_gnu();
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(*kind);
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        builder.append(&header, *content).unwrap();
    }
    builder.into_inner().unwrap().finish().unwrap()
}

fn zip_file(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in entries {
        let options = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
        if name.ends_with('/') {
            writer.add_directory(*name, options).unwrap();
        } else {
            writer.start_file(*name, options).unwrap();
            writer.write_all(content).unwrap();
        }
    }
    writer.finish().unwrap().into_inner()
}

fn packed(url: String, content: &[u8], format: ArchiveFormat) -> KnownSet {
    let mut set = single(vec![url], content);
    if let Content::Files { files, .. } = set.content {
        set.content = Content::Archive { file: files[0].clone(), format, top: "top".to_owned() };
    }
    set
}

#[test]
fn archives_are_put_in_place_whole() {
    let tar = tar_gz(&[
        ("top/", tar::EntryType::Directory, b""),
        ("top/a.bin", tar::EntryType::Regular, b"first"),
        ("./top/deep/b.bin", tar::EntryType::Regular, b"second"),
    ]);
    let zip = zip_file(&[("top/", b""), ("top/a.bin", b"first"), ("top/deep/b.bin", b"second"), ("other.txt", b"x")]);
    let server = Server::new([("/tar", Page::new(&tar)), ("/zip", Page::new(&zip))]);
    for (path, content, format) in [("/tar", &tar, ArchiveFormat::TarGz), ("/zip", &zip, ArchiveFormat::Zip)] {
        let cache = tempfile::tempdir().unwrap();
        // What a killed call left behind is no hindrance.
        fs::create_dir_all(cache.path().join("made.unpacking/top/old")).unwrap();
        let set = packed(server.url(path), content, format);
        let folder = get(&set, cache.path()).unwrap();
        assert_eq!(names(&folder), ["a.bin", "deep"]);
        assert_eq!(fs::read(folder.join("deep/b.bin")).unwrap(), b"second");
        assert_eq!(names(cache.path()), ["made", "made.lock"]);
        let asked = server.requests().len();
        assert_eq!(get(&set, cache.path()).unwrap(), folder);
        assert_eq!(server.requests().len(), asked);
    }
}

#[test]
fn archives_that_reach_outside_are_refused() {
    use tar::EntryType::{Link, Regular, Symlink};
    let cases = [
        (ArchiveFormat::TarGz, tar_gz(&[("top/a", Regular, b"1"), ("../evil", Regular, b"2")]), "'../evil' is outside"),
        (ArchiveFormat::TarGz, tar_gz(&[("top/../../evil", Regular, b"2")]), "'top/../../evil' is outside"),
        (ArchiveFormat::TarGz, tar_gz(&[("/evil", Regular, b"2")]), "'/evil' is outside"),
        (ArchiveFormat::TarGz, tar_gz(&[("top/link", Symlink, b"")]), "'top/link' is a link or a device"),
        (ArchiveFormat::TarGz, tar_gz(&[("top/link", Link, b"")]), "'top/link' is a link or a device"),
        (ArchiveFormat::Zip, zip_file(&[("top/a", b"1"), ("../evil", b"2")]), "'../evil' is outside"),
        (ArchiveFormat::Zip, zip_file(&[("top/a", b"1"), ("..\\evil", b"2")]), " is named with a backslash or a zero"),
        (ArchiveFormat::Zip, zip_file(&[("elsewhere/a", b"1")]), "no folder 'top' in the archive"),
    ];
    for (format, content, expected) in cases {
        let server = Server::new([("/file", Page::new(&content))]);
        let folder = tempfile::tempdir().unwrap();
        let cache = folder.path().join("cache");
        let error = get(&packed(server.url("/file"), &content, format), &cache).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        // The archive stays to be looked at; nothing that it holds does.
        assert_eq!(names(&cache), ["file.bin", "made.lock"]);
        assert_eq!(names(folder.path()), ["cache"]);
    }
}

#[test]
fn damaged_archives_leave_nothing_unpacked() {
    let tar = tar_gz(&[("top/a", tar::EntryType::Regular, &content())]);
    let zip = zip_file(&[("top/a", &content())]);
    let mut flipped = zip.clone();
    flipped[zip.len() / 2] ^= 0xff;
    let mut checksum = tar.clone();
    let place = tar.len() - 6;
    checksum[place] ^= 1;
    let cases = [
        (ArchiveFormat::TarGz, tar[..tar.len() / 2].to_vec()),
        (ArchiveFormat::TarGz, checksum),
        (ArchiveFormat::TarGz, b"text".to_vec()),
        (ArchiveFormat::Zip, zip[..zip.len() - 30].to_vec()),
        (ArchiveFormat::Zip, flipped),
    ];
    for (format, content) in cases {
        let server = Server::new([("/file", Page::new(&content))]);
        let cache = tempfile::tempdir().unwrap();
        let error = get(&packed(server.url("/file"), &content, format), cache.path()).unwrap_err();
        assert!(matches!(error, FetchError::Archive { .. }), "{error}");
        assert_eq!(names(cache.path()), ["file.bin", "made.lock"]);
    }
}
