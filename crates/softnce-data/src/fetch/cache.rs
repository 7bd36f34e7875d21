//! The folder of fetched sets.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;

use super::FetchError;

/// The folder of fetched sets: `$SOFTNCE_DATA`, or else the folder `softnce` in `$XDG_CACHE_HOME`, in `%LOCALAPPDATA%`,
/// or in `.cache` of the home folder.
///
/// # Errors
/// [`FetchError::NoCache`] if none of these variables is set.
pub fn cache_folder() -> Result<PathBuf, FetchError> {
    folder(|name| env::var_os(name))
}

/// The folder that holds all data: the one named, else [`cache_folder`], else the working folder.
pub fn data_folder(named: Option<&PathBuf>) -> PathBuf {
    named.cloned().unwrap_or_else(|| cache_folder().unwrap_or_else(|_| PathBuf::from(".")))
}

fn folder(variable: impl Fn(&str) -> Option<OsString>) -> Result<PathBuf, FetchError> {
    let path = |name| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(folder) = path("SOFTNCE_DATA") {
        return Ok(folder);
    }
    // The XDG specification says to ignore a relative folder.
    path("XDG_CACHE_HOME")
        .filter(|folder| folder.is_absolute())
        .or_else(|| path("LOCALAPPDATA"))
        .or_else(|| path("HOME").map(|home| home.join(".cache")))
        .map(|folder| folder.join("softnce"))
        .ok_or(FetchError::NoCache)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(unix)]
    fn the_first_variable_that_is_set_decides() {
        let mut variables = vec![("HOME", "/home/me")];
        let mut check = |name: &'static str, value: &'static str, expected: &str| {
            variables.push((name, value));
            let find = |name: &str| {
                let mut newest = variables.iter().rev();
                newest.find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value))
            };
            assert_eq!(folder(find).unwrap(), PathBuf::from(expected));
        };
        check("SOFTNCE_DATA", "", "/home/me/.cache/softnce");
        check("LOCALAPPDATA", "/local", "/local/softnce");
        check("XDG_CACHE_HOME", "relative", "/local/softnce");
        check("XDG_CACHE_HOME", "/xdg", "/xdg/softnce");
        check("SOFTNCE_DATA", "sets", "sets");
        assert!(matches!(folder(|_| None), Err(FetchError::NoCache)));
    }
}
