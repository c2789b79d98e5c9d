//! Files: in a parameter as base64, uploaded in two steps, downloaded from signed links.
//!
//! Vendor documentation: "How to upload files", "How to update files", `disk.folder.uploadfile`.

mod download;
mod transfer;
mod upload;

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use tracing::Instrument;
use url::Url;

pub use self::{download::Download, upload::Upload};
use super::{Client, tally::Tally};
use crate::{
    Error, Kind, Result, Retry,
    portal::{authority, is_loopback},
    process,
};

/// How long a file may take in all.
const WHOLE: Duration = Duration::from_secs(6 * 60 * 60);
/// A portal keeps files elsewhere, and says where.
const REDIRECTS: usize = 3;

/// A file to be given to a method. Methods want it in different shapes.
#[derive(Clone)]
pub struct File {
    /// Its name, as people see it.
    pub name: String,
    /// What is in it.
    pub bytes: Vec<u8>,
}

impl std::fmt::Debug for File {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "File({:?}, {} bytes)", self.name, self.bytes.len())
    }
}

impl File {
    /// A file of that name.
    pub fn new(name: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        Self { name: name.into(), bytes: bytes.into() }
    }

    /// The content alone, for methods that take the name beside it (`fileContent` of some).
    #[must_use]
    pub fn base64(&self) -> Value {
        STANDARD.encode(&self.bytes).into()
    }

    /// `[name, base64]`: fields of lists and tasks, `fileContent` of the drive. A field for several
    /// files takes a list of such pairs.
    #[must_use]
    pub fn pair(&self) -> Value {
        json!([self.name, self.base64()])
    }

    /// `{"fileData": [name, base64]}`: fields of leads, deals, contacts and companies.
    #[must_use]
    pub fn file_data(&self) -> Value {
        json!({"fileData": self.pair()})
    }
}

impl Client {
    /// Begins to download a file from a link that an answer held (`DOWNLOAD_URL`, `urlMachine`), whole
    /// or from `/` on. The link carries its own signature; nothing of ours is added to it.
    ///
    /// # Errors
    /// [`Kind::InvalidInput`] naming the field `url`; else what the portal says. A link lives as long
    /// as the token in it: ask for the row again to get a fresh one.
    pub async fn download(&self, url: &str) -> Result<Download> {
        let (client, url) = (self.clone(), url.to_owned());
        process::run(async move {
            let mut tally = Tally::new("download");
            let span = tally.span();
            let begun = client.begin_download(&url, &mut tally).instrument(span).await;
            tally.close(&begun);
            begun
        })
        .await
    }

    async fn begin_download(&self, url: &str, tally: &mut Tally) -> Result<Download> {
        let mut link = self.signed(url).await?;
        for _ in 0..=REDIRECTS {
            let mut request = process::http()?
                .get(link.url.clone())
                .timeout(WHOLE)
                .header("accept", "*/*")
                .header("accept-language", "en");
            if link.is_portals {
                let referer = format!("{}://{}/", link.url.scheme(), authority(&link.url));
                request = request.header("referer", referer);
            }
            let response = self.transfer(&link, request, None, tally).await.map_err(perhaps_old)?;
            let status = response.status().as_u16();
            if (300..400).contains(&status) {
                let to = response.headers().get("location").and_then(|to| to.to_str().ok());
                let Some(to) = to.and_then(|to| link.url.join(to).ok()) else { break };
                link = self.signed(to.as_str()).await?;
                continue;
            }
            return Ok(Download::new(response));
        }
        Err(Error::new(Kind::UnexpectedAnswer, "the link leads from one address to the next")
            .with_retry(Retry::Never))
    }

    /// A link as an answer held it. Where it carries a credential, only the portal may get it back.
    async fn signed(&self, link: &str) -> Result<Link> {
        let refuse = |why: &'static str| {
            Error::invalid_input("url", why).advise("Use the link as the portal's answer holds it.")
        };
        let portal = self.target().await?.endpoint;
        let url = portal.join(link.trim()).map_err(|_| refuse("the link is not a URL"))?;
        let secure = url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url));
        if !secure || url.host_str().is_none() || !url.username().is_empty() {
            return Err(refuse("the link must use https (http on loopback only)"));
        }
        let is_portals = url.scheme() == portal.scheme() && authority(&url) == authority(&portal);
        if !is_portals && carries_credential(&url) {
            return Err(refuse("the link would take the portal's credential to another host")
                .with("host", authority(&url)));
        }
        Ok(Link { url, is_portals })
    }
}

struct Link {
    url: Url,
    /// Whether it leads to the portal itself.
    is_portals: bool,
}

/// A token in the query, or a webhook in the path.
fn carries_credential(url: &Url) -> bool {
    let in_query = url.query_pairs().any(|(name, _)| {
        let name = name.to_ascii_lowercase();
        matches!(name.as_str(), "auth" | "access_token" | "ap" | "aplogin")
            || name.starts_with("auth[")
    });
    let mut parts = url.path().split('/').skip_while(|part| *part != "rest").skip(1);
    let parts = (parts.next(), parts.next());
    let in_path = matches!(parts, (Some(user), Some(_)) if user.parse::<u64>().is_ok());
    in_query || in_path
}

/// A link that the portal does not take may be too old.
fn perhaps_old(error: Error) -> Error {
    if error.status().is_none() || error.is_retryable() {
        return error;
    }
    error.advise("Ask for the row again: its link is signed anew.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_the_shapes_that_methods_want() {
        let file = File::new("a.txt", "hello");
        assert_eq!(file.base64(), json!("aGVsbG8="));
        assert_eq!(file.pair(), json!(["a.txt", "aGVsbG8="]));
        assert_eq!(file.file_data(), json!({"fileData": ["a.txt", "aGVsbG8="]}));
    }

    #[tokio::test]
    async fn a_credential_is_not_carried_elsewhere() {
        let client = Client::from_webhook("http://127.0.0.1:1/rest/1/qwertyuiop123456/").unwrap();
        for bad in [
            "https://evil.example/rest/download.json?auth=abc&token=x",
            "https://evil.example/rest/1/qwertyuiop123456/download.json?token=x",
            "https://evil.example/uf.php?auth%5Bauth%5D=abc",
            "http://evil.example/file.bin",
            "https://u:p@evil.example/file.bin",
            "file:///etc/passwd",
        ] {
            let error = client.signed(bad).await.err().expect(bad);
            assert_eq!(error.kind(), Kind::InvalidInput, "{bad}");
            assert!(!format!("{error:?}").contains("qwertyuiop123456"), "{bad}");
        }
        assert!(client.signed("/rest/1/x/download.json?token=y").await.unwrap().is_portals);
        assert!(!client.signed("https://files.example/a?sign=y").await.unwrap().is_portals);
    }
}
