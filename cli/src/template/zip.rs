//! Zip files, as far as exports of workflow tools need them.

use std::io::Read;

use flate2::{Crc, read::DeflateDecoder};

/// What is in a file, unpacked, is not longer than this altogether.
const LONGEST: u64 = 64 << 20;

const LOCAL: u32 = 0x0403_4b50;
const ENTRY: u32 = 0x0201_4b50;
const END: u32 = 0x0605_4b50;
/// The first day of 1980: the same content makes the same bytes.
const NEW_YEAR_1980: u32 = 0x0021_0000;
const STORED: u16 = 0;
const DEFLATED: u16 = 8;

pub(super) fn is_one(content: &[u8]) -> bool {
    content.starts_with(&LOCAL.to_le_bytes())
}

/// A zip of stored files: those of a template, which are small.
pub(super) fn write(files: &[(String, String)]) -> Vec<u8> {
    let (mut bodies, mut directory) = (Vec::new(), Vec::new());
    for (name, text) in files {
        let mut crc = Crc::new();
        crc.update(text.as_bytes());
        let mut common = Vec::new();
        // Version 2.0, UTF-8 names.
        for number in [20, 0x0800, STORED] {
            common.extend(number.to_le_bytes());
        }
        for number in [NEW_YEAR_1980, crc.sum(), text.len() as u32, text.len() as u32] {
            common.extend(number.to_le_bytes());
        }
        for number in [name.len() as u16, 0] {
            common.extend(number.to_le_bytes());
        }
        let offset = (bodies.len() as u32).to_le_bytes();
        directory.extend(
            [&ENTRY.to_le_bytes()[..], &[20, 0], &common, &[0; 10], &offset, name.as_bytes()]
                .concat(),
        );
        bodies
            .extend([&LOCAL.to_le_bytes()[..], &common, name.as_bytes(), text.as_bytes()].concat());
    }
    let count = (files.len() as u16).to_le_bytes();
    let sizes = [directory.len() as u32, bodies.len() as u32].map(u32::to_le_bytes);
    let end = [&END.to_le_bytes()[..], &[0; 4], &count, &count, &sizes.concat(), &[0; 2]];
    [bodies, directory, end.concat()].concat()
}

/// Names and texts of the files in a zip.
///
/// # Errors
/// Why it cannot be read.
pub(super) fn read(zip: &[u8]) -> Result<Vec<(String, String)>, &'static str> {
    let cut = "the zip is cut off or damaged";
    let end = END.to_le_bytes();
    let end = zip.windows(4).rposition(|window| window == end).ok_or(cut)?;
    let count = u16_at(zip, end + 10).ok_or(cut)?;
    let mut at = u32_at(zip, end + 16).ok_or(cut)?;
    let mut files = Vec::new();
    let mut left = LONGEST;
    for _ in 0..count {
        let entry = Entry::read(zip, at).ok_or(cut)?;
        at = entry.next;
        if entry.name.ends_with('/') {
            continue;
        }
        if entry.is_encrypted {
            return Err("the zip is encrypted");
        }
        let body = entry.body.ok_or(cut)?;
        let mut text = Vec::new();
        let mut plain: Box<dyn Read> = match entry.method {
            STORED => Box::new(body),
            DEFLATED => Box::new(DeflateDecoder::new(body)),
            _ => return Err("the zip is packed in a way that is not known here"),
        };
        plain.by_ref().take(left).read_to_end(&mut text).map_err(|_| cut)?;
        left -= text.len() as u64;
        if left == 0 {
            return Err("the zip is too long for a template");
        }
        let mut crc = Crc::new();
        crc.update(&text);
        if crc.sum() != entry.crc {
            return Err(cut);
        }
        let text = String::from_utf8(text).map_err(|_| "a file in the zip is not text")?;
        files.push((entry.name, text));
    }
    Ok(files)
}

/// A line of the directory, with what it is about.
struct Entry<'a> {
    name: String,
    method: u16,
    is_encrypted: bool,
    crc: u32,
    body: Option<&'a [u8]>,
    next: usize,
}

impl<'a> Entry<'a> {
    fn read(zip: &'a [u8], at: usize) -> Option<Self> {
        if u32_at(zip, at)? != ENTRY as usize {
            return None;
        }
        let [name, extra, comment] = [28, 30, 32].map(|place| u16_at(zip, at + place));
        let name_end = at + 46 + name?;
        let local = u32_at(zip, at + 42)?;
        // The local header repeats the name; its extra fields may be others.
        let start = local + 30 + u16_at(zip, local + 26)? + u16_at(zip, local + 28)?;
        Some(Self {
            name: String::from_utf8_lossy(zip.get(at + 46..name_end)?).into_owned(),
            method: u16::try_from(u16_at(zip, at + 10)?).ok()?,
            is_encrypted: u16_at(zip, at + 8)? & 1 == 1,
            crc: u32::try_from(u32_at(zip, at + 16)?).ok()?,
            body: zip.get(start..start + u32_at(zip, at + 20)?),
            next: name_end + extra? + comment?,
        })
    }
}

fn u16_at(zip: &[u8], at: usize) -> Option<usize> {
    Some(usize::from(u16::from_le_bytes(zip.get(at..at + 2)?.try_into().ok()?)))
}

fn u32_at(zip: &[u8], at: usize) -> Option<usize> {
    usize::try_from(u32::from_le_bytes(zip.get(at..at + 4)?.try_into().ok()?)).ok()
}
