//! A file on its way to us.

use percent_encoding::percent_decode_str;
use tokio::io::{AsyncWrite, AsyncWriteExt};

use super::transfer::next_chunk;
use crate::{Error, Kind, Result, process};

/// A file on its way.
pub struct Download {
    name: Option<String>,
    size: Option<u64>,
    received: u64,
    /// Absent while a wait is under way: one that was cancelled has lost its part.
    response: Option<reqwest::Response>,
}

impl Download {
    pub(super) fn new(response: reqwest::Response) -> Self {
        let name = response
            .headers()
            .get("content-disposition")
            .and_then(|value| std::str::from_utf8(value.as_bytes()).ok())
            .and_then(file_name);
        Self { name, size: response.content_length(), received: 0, response: Some(response) }
    }

    /// The file's name, where the portal says it. Only its last part: never a path.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// How many bytes it has, where the portal says so.
    #[must_use]
    pub fn size(&self) -> Option<u64> {
        self.size
    }

    /// How many bytes have come.
    #[must_use]
    pub fn received(&self) -> u64 {
        self.received
    }

    /// The next bytes; `None` at the end, which is the file's whole end.
    ///
    /// # Errors
    /// Where the connection broke or nothing came for a minute. What has come is a part of the file.
    pub async fn chunk(&mut self) -> Result<Option<Vec<u8>>> {
        let Some(mut response) = self.response.take() else {
            return Err(Error::new(Kind::Cancelled, "the download was interrupted")
                .advise("Download the file again."));
        };
        let (response, chunk) = process::run(async move {
            let chunk = next_chunk(&mut response).await?;
            Ok((response, chunk))
        })
        .await
        .map_err(|error| error.with("received", self.received.to_string()))?;
        self.response = Some(response);
        if let Some(chunk) = &chunk {
            self.received += chunk.len() as u64;
        } else if self.size.is_some_and(|size| size != self.received) {
            return Err(Error::new(Kind::UnexpectedAnswer, "the file ended before its end")
                .with("received", self.received.to_string()));
        }
        Ok(chunk)
    }

    /// Writes the file to `writer`, a part at a time; `progress` hears how many bytes there are after
    /// each. Answers how many there were.
    ///
    /// # Errors
    /// As [`Download::chunk`]; and [`Kind::Store`] where the writer fails.
    pub async fn write_to(
        &mut self,
        writer: &mut (impl AsyncWrite + Unpin),
        mut progress: impl FnMut(u64),
    ) -> Result<u64> {
        let unwritten = |error: std::io::Error| {
            Error::new(Kind::Store, "the downloaded file could not be written").with_source(error)
        };
        while let Some(chunk) = self.chunk().await? {
            writer.write_all(&chunk).await.map_err(unwritten)?;
            progress(self.received);
        }
        writer.flush().await.map_err(unwritten)?;
        Ok(self.received)
    }
}

/// The name in a `Content-Disposition` (RFC 6266), without a path.
fn file_name(disposition: &str) -> Option<String> {
    let parameter = |wanted: &str| {
        disposition.split(';').find_map(|part| {
            let (name, value) = part.split_once('=')?;
            name.trim()
                .eq_ignore_ascii_case(wanted)
                .then(|| value.trim().trim_matches('"').to_owned())
        })
    };
    let extended = parameter("filename*").and_then(|value| {
        let (_, encoded) = value.split_once("''")?;
        percent_decode_str(encoded).decode_utf8().ok().map(|name| name.into_owned())
    });
    let name = extended.or_else(|| {
        let name = parameter("filename")?;
        Some(percent_decode_str(&name).decode_utf8().map_or(name.clone(), |name| name.into_owned()))
    })?;
    let last = name.rsplit(['/', '\\']).next()?.trim();
    let ok = !last.is_empty() && !matches!(last, "." | "..") && !last.contains(char::is_control);
    ok.then(|| last.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_without_paths() {
        for (disposition, name) in [
            ("attachment; filename=\"a b.txt\"", Some("a b.txt")),
            ("attachment; filename*=utf-8''%D1%84.txt; filename=\"x\"", Some("\u{444}.txt")),
            ("attachment; filename=\"..%2F..%2Fetc%2Fpasswd\"", Some("passwd")),
            ("attachment; filename=\"..\"", None),
            ("inline", None),
        ] {
            assert_eq!(file_name(disposition).as_deref(), name, "{disposition}");
        }
    }
}
