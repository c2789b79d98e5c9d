//! A file on its way to the portal.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::{
        Arc, Weak,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
};

use hyper::body::{Body, Bytes, Frame, SizeHint};
use serde_json::Value;
use tokio::{sync::watch, task::AbortHandle};
use tracing::Instrument;

use super::{File, WHOLE, transfer::whole};
use crate::{
    Error, Kind, Result, Retry, process,
    rest::{Answer, Client, tally::Tally},
};

/// How much of a file is handed to the connection at a time, in bytes.
const PART: usize = 64 << 10;

/// A file on its way. Dropped, it is cancelled, and whether the portal has the file is unknown.
pub struct Upload {
    size: u64,
    aborter: AbortHandle,
    /// Absent while a wait is under way: one that was cancelled has cancelled the upload.
    posting: Option<Posting>,
}

struct Posting {
    sent: watch::Receiver<u64>,
    answer: process::Task<Answer>,
}

impl Upload {
    /// How many bytes the file has.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Waits until more of the file was handed to the connection, and answers how many bytes were, all
    /// together: fewer than before where the portal has refused the file and it is sent again. `None`
    /// once there is an outcome.
    ///
    /// # Errors
    /// [`Kind::Cancelled`] if a wait for this upload was given up before.
    pub async fn progress(&mut self) -> Result<Option<u64>> {
        let mut posting = self.posting.take().ok_or_else(interrupted)?;
        let more = posting.sent.changed().await.is_ok();
        let sent = *posting.sent.borrow_and_update();
        self.posting = Some(posting);
        Ok(more.then_some(sent))
    }

    /// Waits for what the portal says of the file.
    ///
    /// # Errors
    /// As [`Client::upload`]; [`Kind::Cancelled`] if it was cancelled, or waited for before.
    pub async fn finish(&mut self) -> Result<Answer> {
        self.posting.take().ok_or_else(interrupted)?.answer.join().await
    }

    /// What cancels the upload from elsewhere, also while somebody waits for it.
    #[must_use]
    pub fn aborter(&self) -> AbortHandle {
        self.aborter.clone()
    }
}

fn interrupted() -> Error {
    Error::new(Kind::Cancelled, "the upload was interrupted").advise("Look for the file first.")
}

impl Client {
    /// Uploads a file in two steps: `method` (such as `disk.folder.uploadfile`, with the folder's id)
    /// says where to, and the file is posted there as a form. For files too large for base64 in a
    /// parameter; it is held in memory.
    ///
    /// # Errors
    /// As [`Client::call`]. What was refused unexecuted is sent again, the file too; an upload without an
    /// answer may have been executed: look for the file.
    pub async fn upload(
        &self,
        method: &str,
        params: impl Into<Value>,
        file: File,
    ) -> Result<Answer> {
        self.begin_upload(method, params, file).await?.finish().await
    }

    /// As [`Client::upload`], for who wants to hear how far it is: answers once the portal has said where
    /// the file goes, and it is on its way.
    ///
    /// # Errors
    /// As [`Client::call`]; what becomes of the file is told by [`Upload::finish`].
    pub async fn begin_upload(
        &self,
        method: &str,
        params: impl Into<Value>,
        file: File,
    ) -> Result<Upload> {
        let begun = self.call(method, params).await?.result;
        let Some(link) = begun.get("uploadUrl").and_then(Value::as_str).map(str::to_owned) else {
            return Err(Error::new(
                Kind::UnexpectedAnswer,
                "the method does not say where to upload the file",
            )
            .with("method", method)
            .with_retry(Retry::Never)
            .advise(
                "Leave the file's content out of the parameters, and use a method with uploadUrl.",
            ));
        };
        let field = begun.get("field").and_then(Value::as_str).unwrap_or("file");
        let size = file.bytes.len() as u64;
        let (form, sent) = Form::of(field, file);
        let (client, method) = (self.clone(), method.to_owned());
        let answer = process::start(async move {
            let mut tally = Tally::new("upload");
            let span = tally.span();
            let posted = client.post(&link, &form, &mut tally).instrument(span).await;
            tally.close(&posted);
            posted.map_err(|error| error.with("method", method))
        })?;
        Ok(Upload { size, aborter: answer.aborter(), posting: Some(Posting { sent, answer }) })
    }

    async fn post(&self, link: &str, form: &Form, tally: &mut Tally) -> Result<Answer> {
        let link = self.signed(link).await?;
        let request = process::http()?
            .post(link.url.clone())
            .timeout(WHOLE)
            .header("content-type", format!("multipart/form-data; boundary={}", form.boundary))
            .header("accept", "application/json");
        let response = self.transfer(&link, request, Some(form), tally).await?;
        let status = response.status().as_u16();
        Answer::read(status, &whole(response).await?)
    }
}

/// A form with one file in it (RFC 7578). It can be sent as often as need be.
pub(super) struct Form {
    boundary: String,
    head: Bytes,
    content: Bytes,
    tail: Bytes,
    progress: Arc<Progress>,
}

/// How many bytes of the file have left.
struct Progress {
    sent: watch::Sender<u64>,
    /// The body that counts. A connection may go on with one that was refused already.
    current: AtomicU64,
}

impl Form {
    /// And how many bytes of the file have left, for as long as the form is there.
    fn of(field: &str, file: File) -> (Self, watch::Receiver<u64>) {
        let boundary = format!("evergrant-{:032x}", rand::random::<u128>());
        // As browsers write them: what would end the text or the line is escaped.
        let quoted =
            |text: &str| text.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A");
        let head = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"{}\"; filename=\"{}\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n",
            quoted(field),
            quoted(&file.name)
        );
        let tail = format!("\r\n--{boundary}--\r\n");
        let (sent, receiver) = watch::channel(0);
        let progress = Arc::new(Progress { sent, current: AtomicU64::new(0) });
        let (head, content, tail) = (head.into(), file.bytes.into(), tail.into());
        (Self { boundary, head, content, tail, progress }, receiver)
    }

    /// What is sent once.
    pub(super) fn body(&self) -> reqwest::Body {
        reqwest::Body::wrap(self.parts())
    }

    fn parts(&self) -> Parts {
        Parts {
            head: self.head.clone(),
            content: self.content.clone(),
            tail: self.tail.clone(),
            progress: Arc::downgrade(&self.progress),
            number: self.progress.current.fetch_add(1, Ordering::Relaxed) + 1,
            gone: 0,
        }
    }
}

/// A form that leaves in parts, without a copy of the file.
struct Parts {
    head: Bytes,
    content: Bytes,
    tail: Bytes,
    /// Weak: a connection may keep a body for longer than anybody waits for its answer.
    progress: Weak<Progress>,
    number: u64,
    gone: u64,
}

impl Body for Parts {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let part = if !self.head.is_empty() {
            std::mem::take(&mut self.head)
        } else if !self.content.is_empty() {
            let length = self.content.len().min(PART);
            let part = self.content.split_to(length);
            self.gone += length as u64;
            if let Some(progress) = self.progress.upgrade()
                && progress.current.load(Ordering::Relaxed) == self.number
            {
                progress.sent.send_replace(self.gone);
            }
            part
        } else {
            std::mem::take(&mut self.tail)
        };
        Poll::Ready((!part.is_empty()).then(|| Ok(Frame::data(part))))
    }

    fn is_end_stream(&self) -> bool {
        self.tail.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact((self.head.len() + self.content.len() + self.tail.len()) as u64)
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    #[tokio::test]
    async fn a_name_cannot_break_out_of_the_form() {
        let (form, _) = Form::of("file", File::new("a\"\r\nX: y.txt", "hi"));
        let body = form.parts().collect().await.unwrap().to_bytes();
        let text = std::str::from_utf8(&body).unwrap();
        assert!(text.contains("filename=\"a%22%0D%0AX: y.txt\"\r\n"), "{text}");
        assert!(text.ends_with(&format!("\r\n\r\nhi\r\n--{}--\r\n", form.boundary)), "{text}");
    }

    #[tokio::test]
    async fn a_form_says_its_length_and_how_far_it_is() {
        for length in [0, 1, PART, PART + 1, 3 * PART] {
            let (form, mut sent) = Form::of("file", File::new("a", vec![7; length]));
            for _ in 0..2 {
                let (mut parts, mut told) = (form.parts(), 0);
                let promised = parts.size_hint().exact().unwrap();
                let mut came = 0;
                while !parts.is_end_stream() {
                    came += parts.frame().await.unwrap().unwrap().data_ref().unwrap().len() as u64;
                    assert_eq!(came + parts.size_hint().exact().unwrap(), promised);
                    let now = *sent.borrow_and_update();
                    assert!(told <= now && now <= came, "{told}, {now}, {came}");
                    told = now;
                }
                assert_eq!((came, told), (promised, length as u64));
                assert!(parts.frame().await.is_none());
                form.progress.sent.send_replace(0);
            }
        }
    }

    #[tokio::test]
    async fn only_the_body_that_was_made_last_is_heard() {
        let (form, sent) = Form::of("file", File::new("a", vec![7; 2 * PART]));
        let (mut first, mut second) = (form.parts(), form.parts());
        for _ in 0..2 {
            second.frame().await.unwrap().unwrap();
        }
        while first.frame().await.is_some() {}
        assert_eq!(*sent.borrow(), PART as u64);
    }
}
