//! Checksums that files hold of themselves, so that a damaged file is found when it is read.
//!
//! The checksum is XXH3, 64 bits, of the whole file with zeros in the place of the checksum, as 16 hexadecimal digits.
//! It follows the word [`CHECKSUM`] near the start of the file: a key of JSON, a comment of TOML, the metadata of a
//! safetensors file.

use std::hash::Hasher;
use std::io::{self, Read};
use std::ops::Range;

use twox_hash::XxHash3_64;

/// The key under which a file holds its checksum.
pub const CHECKSUM: &str = "softnce_checksum";
/// The value under this key until [`seal`] writes the checksum there.
pub const UNSEALED: &str = "0000000000000000";

/// Writes the checksum into its place; does nothing to content without such a place.
pub fn seal(content: &mut [u8]) {
    if let Some(place) = place(content) {
        content[place.clone()].copy_from_slice(UNSEALED.as_bytes());
        let checksum = digest([&*content]);
        content[place].copy_from_slice(checksum.as_bytes());
    }
}

/// Verifies and returns the checksum that the content holds; `None` if it holds none, as files of earlier revisions.
///
/// # Errors
/// The checksum of the content, if it differs from the one that it holds.
pub fn sealed(content: &[u8]) -> Result<Option<&str>, String> {
    let Some(place) = place(content) else { return Ok(None) };
    let found = digest([&content[..place.start], UNSEALED.as_bytes(), &content[place.end..]]);
    let kept = &content[place];
    if kept == found.as_bytes() { Ok(std::str::from_utf8(kept).ok()) } else { Err(found) }
}

/// As [`sealed`], for content that is read in parts.
///
/// # Errors
/// An error of the system; inside, the error of [`sealed`].
pub(crate) fn sealed_stream(mut content: impl Read) -> io::Result<Result<Option<String>, String>> {
    let mut part = Vec::new();
    content.by_ref().take(SEARCHED as u64).read_to_end(&mut part)?;
    let Some(place) = place(&part) else { return Ok(Ok(None)) };
    let kept = String::from_utf8_lossy(&part[place.clone()]).into_owned();
    part[place].copy_from_slice(UNSEALED.as_bytes());
    let mut hash = XxHash3_64::new();
    while !part.is_empty() {
        hash.write(&part);
        part.clear();
        content.by_ref().take(SEARCHED as u64).read_to_end(&mut part)?;
    }
    let found = format!("{:016x}", hash.finish());
    Ok(if kept == found { Ok(Some(kept)) } else { Err(found) })
}

/// The checksum of content in parts.
fn digest<'p>(parts: impl IntoIterator<Item = &'p [u8]>) -> String {
    let mut hash = XxHash3_64::new();
    parts.into_iter().for_each(|part| hash.write(part));
    format!("{:016x}", hash.finish())
}

/// The checksum is searched for in this many bytes: files may have gigabytes.
const SEARCHED: usize = 1 << 20;

/// Where the checksum of the content is.
pub(crate) fn place(content: &[u8]) -> Option<Range<usize>> {
    let searched = &content[..content.len().min(SEARCHED)];
    let mut from = 0;
    while let Some(found) = searched[from..].windows(CHECKSUM.len()).position(|word| word == CHECKSUM.as_bytes()) {
        let end = from + found + CHECKSUM.len();
        let between = searched[end..].iter().take_while(|byte| b"\\\" :=".contains(byte)).count();
        let start = end + between;
        let digits = searched[start..].iter().take_while(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')).count();
        if between > 0 && digits == UNSEALED.len() {
            return Some(start..start + digits);
        }
        from = end;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORMS: [&str; 4] = [
        "{\n  \"softnce_checksum\": \"0000000000000000\",\n  \"seeds\": 3\n}\n",
        "# softnce_checksum: 0000000000000000\nname = \"digits\"\n",
        "{\"__metadata__\":{\"epoch\":\"3\",\"softnce_checksum\":\"0000000000000000\"}}\0\u{1}\u{2}",
        "{\"__metadata__\":{\"softnce\":\"{\\\"softnce_checksum\\\":\\\"0000000000000000\\\",\\\"epoch\\\":3}\"}}",
    ];

    #[test]
    fn every_flipped_bit_is_found_or_leaves_the_content_as_it_was() {
        for form in FORMS {
            let mut content = form.as_bytes().to_vec();
            seal(&mut content);
            let checksum = sealed(&content).unwrap().unwrap().to_owned();
            assert!(checksum != UNSEALED && form.replace(UNSEALED, &checksum).as_bytes() == content);
            let again = content.clone();
            seal(&mut content);
            assert_eq!(content, again, "sealing twice changes nothing");
            let kept = place(&content).unwrap();
            // Up to the quote behind it, which may turn into one more digit; readers of JSON find that.
            let word = kept.start.saturating_sub(CHECKSUM.len() + 6)..kept.end + 1;
            for bit in 0..8 * content.len() {
                let mut damaged = content.clone();
                damaged[bit / 8] ^= 1 << (bit % 8);
                // If no checksum is found, only the checksum or its key is damaged.
                let found = sealed(&damaged);
                let streamed = sealed_stream(&*damaged).unwrap();
                assert_eq!(streamed, found.clone().map(|found| found.map(str::to_owned)));
                assert!(found.is_err() || (found == Ok(None) && word.contains(&(bit / 8))), "{form}: bit {bit}");
            }
            assert!(sealed(&content[..content.len() - 1]).is_err());
        }
    }

    #[test]
    fn large_content_is_read_in_parts() {
        let mut content = [FORMS[0].as_bytes(), vec![7; 2 * SEARCHED + 5].as_slice()].concat();
        seal(&mut content);
        let kept = sealed(&content).unwrap().map(str::to_owned);
        assert!(kept.is_some());
        assert_eq!(sealed_stream(&*content).unwrap(), Ok(kept));
        *content.last_mut().unwrap() ^= 1;
        assert!(sealed_stream(&*content).unwrap().is_err() && sealed(&content).is_err());
    }

    #[test]
    fn content_without_a_checksum_is_left_as_it_is() {
        for text in ["", "softnce_checksum", "softnce_checksum: 12", "softnce_checksum0000000000000000", "{}"] {
            let mut content = text.as_bytes().to_vec();
            seal(&mut content);
            assert_eq!((content.as_slice(), sealed(&content)), (text.as_bytes(), Ok(None)), "{text}");
        }
        // The word in a list of names before the key.
        let mut content = b"[\"softnce_checksum\", 1] softnce_checksum: 0000000000000000".to_vec();
        seal(&mut content);
        assert!(sealed(&content).unwrap().is_some());
    }

    #[test]
    fn the_checksum_is_xxh3() {
        // import xxhash; xxhash.xxh3_64_hexdigest(b"")
        assert_eq!(digest([b"".as_slice()]), "2d06800538d394c2");
        assert_eq!(digest([b"soft".as_slice(), b"nce"]), digest([b"softnce".as_slice()]));
    }
}
