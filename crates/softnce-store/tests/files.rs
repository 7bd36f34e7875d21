//! Writing files: what is there after a success, a refusal, a kill.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use softnce_store::{
    StoreError, append, check_writable, checksum_of, create_folder, csv, is_occupied, put_in_place, read, read_json,
    read_sealed, sync, write, write_csv, write_json, write_sealed, write_sealed_json,
};
use tempfile::tempdir;

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_file_is_replaced_and_nothing_else_is_left() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("results.json");
    assert_eq!(read(&path).unwrap(), None);
    for content in ["first", "second, longer", ""] {
        write(&path, content.as_bytes()).unwrap();
        assert_eq!(read(&path).unwrap().unwrap(), content.as_bytes());
    }
    assert_eq!(names(folder.path()), ["results.json"]);
}

#[test]
fn a_name_alone_is_written_in_the_current_folder() {
    check_writable(Path::new("Cargo.toml")).unwrap();
    let kept = fs::read("Cargo.toml").unwrap();
    write(Path::new("Cargo.toml"), &kept).unwrap();
    assert_eq!(fs::read("Cargo.toml").unwrap(), kept);
}

#[test]
#[cfg(unix)]
fn the_umask_decides_on_permissions() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempdir().unwrap();
    let mode = |name: &str| fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
    write(&folder.path().join("ours"), b"x").unwrap();
    fs::write(folder.path().join("plain"), b"x").unwrap();
    assert_eq!(mode("ours"), mode("plain"));
}

#[test]
fn a_folder_in_the_place_of_a_file_is_named_and_kept() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("results.csv");
    fs::create_dir(&path).unwrap();
    fs::write(path.join("inside"), "kept").unwrap();
    for error in [write(&path, b"x").unwrap_err(), check_writable(&path).unwrap_err()] {
        let text = error.to_string();
        assert!(text.starts_with(&format!("cannot write {}: ", path.display())), "{text}");
        assert!(text.contains("directory"), "{text}");
    }
    assert_eq!((names(folder.path()), names(&path)), (vec!["results.csv".to_owned()], vec!["inside".to_owned()]));
    // Paths without a name are folders too.
    for path in ["/", ".."] {
        let text = write(Path::new(path), b"x").unwrap_err().to_string();
        assert!(text.starts_with(&format!("cannot write {path}: ")), "{text}");
        assert!(check_writable(Path::new(path)).is_err());
    }
}

/// A file with a name of its own would take the place of the device.
#[test]
#[cfg(target_os = "linux")]
fn devices_are_written_and_not_replaced() {
    use std::os::unix::fs::FileTypeExt;
    for (path, is_full) in [("/dev/null", false), ("/dev/full", true)] {
        let path = Path::new(path);
        check_writable(path).unwrap();
        let written = write(path, b"x");
        assert_eq!(written.is_err_and(|error| error.is_full_disk()), is_full, "{}", path.display());
        assert!(fs::metadata(path).unwrap().file_type().is_char_device(), "{}", path.display());
    }
}

#[test]
fn a_file_grows_and_is_made_where_it_is_not_there() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("history.jsonl");
    append(&path, b"{}\n").unwrap();
    append(&path, b"{}\n").unwrap();
    sync(&path).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "{}\n{}\n");
    for error in [append(folder.path(), b"x").unwrap_err(), append(&folder.path().join("absent/a"), b"x").unwrap_err()]
    {
        assert!(error.to_string().starts_with("cannot write "), "{error}");
    }
    assert!(sync(&folder.path().join("absent")).unwrap_err().to_string().starts_with("cannot sync "));
}

#[test]
fn an_absent_folder_and_a_file_for_a_folder_are_named() {
    let folder = tempdir().unwrap();
    fs::write(folder.path().join("file"), "kept").unwrap();
    for path in [folder.path().join("absent/a"), folder.path().join("file/a")] {
        let text = write(&path, b"x").unwrap_err().to_string();
        assert!(text.starts_with(&format!("cannot write {}: ", path.display())), "{text}");
        assert!(check_writable(&path).is_err());
    }
    let absent = folder.path().join("absent/a.json");
    for error in [write(&absent, b"x").unwrap_err(), check_writable(&absent).unwrap_err()] {
        let [path, parent] = [&absent, &folder.path().join("absent")].map(|path| path.display().to_string());
        assert_eq!(error.to_string(), format!("cannot write {path}: the folder {parent} does not exist"));
        assert!(!error.is_usage());
    }
    let below = folder.path().join("file/a.json");
    let error = write(&below, b"x").unwrap_err();
    assert!(error.to_string().starts_with(&format!("cannot write {}: ", below.display())), "{error}");
    assert!(!error.to_string().contains(".softnce-") && error.is_usage(), "{error}");
    assert!(create_folder(&folder.path().join("file/run")).unwrap_err().is_usage());
    let text = create_folder(&folder.path().join("file")).unwrap_err().to_string();
    assert!(text.starts_with("cannot make the folder ") && text.contains("file: "), "{text}");
    let text = read(&folder.path().join("file/a")).unwrap_err().to_string();
    assert!(text.starts_with("cannot read "), "{text}");
    assert_eq!(fs::read_to_string(folder.path().join("file")).unwrap(), "kept");
}

/// A folder that even root cannot write.
#[test]
#[cfg(target_os = "linux")]
fn a_read_only_folder_is_found_before_and_named() {
    let path = Path::new("/proc/self/results.json");
    for error in [write(path, b"x").unwrap_err(), check_writable(path).unwrap_err()] {
        assert!(error.to_string().starts_with("cannot write /proc/self/results.json: "), "{error}");
        assert!(!error.is_usage());
    }
    // For others than root, one without permission to write.
    use std::os::unix::fs::PermissionsExt;
    let folder = tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o555)).unwrap();
    if fs::File::create(folder.path().join("probe")).is_err() {
        let path = folder.path().join("a");
        for error in [write(&path, b"x").unwrap_err(), check_writable(&path).unwrap_err()] {
            assert!(error.to_string().contains("ermission denied"), "{error}");
        }
    }
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn json_reads_back_and_damaged_json_is_named() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("study.json");
    let value = json!({"seeds": 3, "rates": [0.1, 1e-7]});
    assert_eq!(read_json::<Value>(&path, "remove it").unwrap(), None);
    write_json(&path, &value).unwrap();
    assert_eq!(read_json::<Value>(&path, "remove it").unwrap(), Some(value));
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.starts_with("{\n  \"") && text.ends_with("}\n"), "{text}");
    for damaged in ["", "{\"seeds\": ", "[1, 2"] {
        fs::write(&path, damaged).unwrap();
        let error = read_json::<Value>(&path, "remove it").unwrap_err();
        assert!(matches!(error, StoreError::Invalid { .. }) && error.is_usage(), "{error}");
        let text = error.to_string();
        assert!(text.starts_with(&format!("{} is not valid: EOF while parsing", path.display())), "{text}");
        assert!(text.ends_with("; remove it"), "{text}");
    }
}

#[test]
fn a_file_with_a_checksum_is_verified_and_a_damaged_one_is_named() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("run.json");
    assert_eq!(read_sealed(&path, "remove it").unwrap(), None);
    write_sealed_json(&path, &json!({"seeds": 3})).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.starts_with("{\n  \"softnce_checksum\": \"") && text.ends_with("\"seeds\": 3\n}\n"), "{text}");
    assert_eq!(read_sealed(&path, "remove it").unwrap().unwrap(), text.as_bytes());
    assert_eq!(read_json::<Value>(&path, "remove it").unwrap().unwrap()["seeds"], 3);
    fs::write(&path, text.replace("seeds\": 3", "seeds\": 7")).unwrap();
    let expected = format!(
        "{} is not valid: its content does not match its checksum, so it was damaged or edited; remove it",
        path.display()
    );
    assert_eq!(read_sealed(&path, "remove it").unwrap_err().to_string(), expected);
    assert_eq!(read_json::<Value>(&path, "remove it").unwrap_err().to_string(), expected);
    assert_eq!(checksum_of(&path, "remove it").unwrap_err().to_string(), expected);
    fs::write(&path, &text).unwrap();
    assert!(text.contains(&checksum_of(&path, "").unwrap().unwrap()));
    for (json, entries) in [("{\"seeds\":3}\n", 2), ("{}", 1)] {
        write_sealed(&path, json).unwrap();
        let found = read_json::<Value>(&path, "").unwrap().unwrap();
        assert_eq!(found.as_object().unwrap().len(), entries, "{json}");
        assert!(checksum_of(&path, "").unwrap().is_some());
    }
    for refused in [write_sealed(&path, "[1]"), write_sealed_json(&path, &json!([1]))] {
        assert!(refused.unwrap_err().to_string().ends_with("its content is not a map"));
    }
    assert!(checksum_of(&folder.path().join("absent"), "").unwrap_err().to_string().starts_with("cannot read "));
}

#[test]
fn tables_have_a_head_and_read_back() {
    #[derive(serde::Serialize)]
    struct Row {
        name: &'static str,
        value: Option<f64>,
    }
    let rows = [Row { name: "a, b", value: Some(0.1 + 0.2) }, Row { name: "c", value: None }];
    let folder = tempdir().unwrap();
    let path = folder.path().join("results.csv");
    write_csv(&path, &rows).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "name,value\n\"a, b\",0.30000000000000004\nc,\n");
    assert_eq!(csv([["head", "of"], ["two", "columns"]]).unwrap(), b"head,of\ntwo,columns\n");
    let error = write_csv(&path, [vec!["a"], vec!["b", "c"]]).unwrap_err().to_string();
    assert!(error.starts_with(&format!("cannot write {}: ", path.display())), "{error}");
    assert!(fs::read_to_string(&path).unwrap().starts_with("name,value"));
}

#[test]
fn files_and_folders_are_put_in_place() {
    let folder = tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("a.part"), "new").unwrap();
    fs::write(at("a"), "old").unwrap();
    put_in_place(&at("a.part"), &at("a")).unwrap();
    assert_eq!(fs::read_to_string(at("a")).unwrap(), "new");
    create_folder(&at("unpacked/deep")).unwrap();
    fs::write(at("unpacked/deep/b"), "whole").unwrap();
    put_in_place(&at("unpacked"), &at("set")).unwrap();
    assert_eq!(names(folder.path()), ["a", "set"]);
    assert_eq!(fs::read_to_string(at("set/deep/b")).unwrap(), "whole");
    // A set that is there is not replaced.
    create_folder(&at("unpacked")).unwrap();
    let text = put_in_place(&at("unpacked"), &at("set")).unwrap_err().to_string();
    assert!(text.starts_with(&format!("cannot write {}: ", at("set").display())), "{text}");
    let text = put_in_place(&at("absent"), &at("c")).unwrap_err().to_string();
    assert!(text.starts_with(&format!("cannot sync {}: ", at("absent").display())), "{text}");
}

const KILLED: &str = "SOFTNCE_STORE_WRITES_TO";

/// Not a test: the process that the next one kills.
#[test]
fn writes_until_it_is_killed() {
    let Some(path) = std::env::var_os(KILLED) else { return };
    for content in [vec![b'a'; 4 << 20], vec![b'b'; 4 << 20]].iter().cycle() {
        write(Path::new(&path), content).unwrap();
    }
}

#[test]
fn a_killed_writer_leaves_a_whole_file_and_no_content_beside_it() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("checkpoint");
    let mut left = 0;
    for kill in 0..20 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["writes_until_it_is_killed", "--exact"])
            .env(KILLED, &path)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        while !path.exists() {
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_millis(2 + 3 * kill % 17));
        child.kill().unwrap();
        child.wait().unwrap();
        let content = fs::read(&path).unwrap();
        assert_eq!(content.len(), 4 << 20);
        assert!(content.iter().all(|byte| *byte == content[0]));
        left += names(folder.path()).len() - 1;
        fs::remove_file(&path).unwrap();
        assert!(!is_occupied(folder.path()).unwrap(), "{:?}", names(folder.path()));
    }
    assert!(left > 0, "no kill hit the middle of a write");
}
