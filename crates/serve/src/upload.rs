//! The recording and the options of a request: a raw body with a query, or a form.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{FromRequest, Multipart, Request};
use axum::http::{StatusCode, header};
use http_body_util::BodyExt;
use stapes_audio::StreamResampler;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::api_error::ApiError;
use crate::models::MAX_SHORT_BLOCK;
use crate::options::Limits;
use crate::parameters::Parameters;

/// Bytes of all bodies and of large resamplers in memory, counted in blocks.
#[derive(Clone)]
pub(crate) struct Budget {
    blocks: Arc<Semaphore>,
    /// Number of bytes.
    size: usize,
}

const BLOCK: usize = 1 << 16;

/// Memory of a resampler per sample of its blocks, bytes: 172 were measured.
const RESAMPLER_BYTES: usize = 176;

impl Budget {
    pub(crate) fn new(limits: &Limits) -> Budget {
        Budget {
            blocks: Arc::new(Semaphore::new(limits.max_total_body_bytes / BLOCK)),
            size: limits.max_total_body_bytes,
        }
    }

    /// Takes blocks for this many bytes.
    ///
    /// # Errors
    /// An error if others have them.
    fn reserve(&self, bytes: usize) -> Result<OwnedSemaphorePermit, ApiError> {
        let full = "the server has as much sound in memory as it takes; try again later";
        let blocks = u32::try_from(bytes.div_ceil(BLOCK)).map_err(|_| ApiError::busy(full))?;
        Arc::clone(&self.blocks).try_acquire_many_owned(blocks).map_err(|_| ApiError::busy(full))
    }

    /// Takes the memory of a resampler, if it is large.
    ///
    /// # Errors
    /// `refused` with the fault of a rate that needs more than there is; an error if others have it.
    pub(crate) fn reserve_resampler(
        &self,
        from_hz: u32,
        to_hz: u32,
        refused: impl Fn(&str) -> ApiError,
    ) -> Result<Option<OwnedSemaphorePermit>, ApiError> {
        let block = StreamResampler::block_samples(from_hz, to_hz);
        let bytes = block * RESAMPLER_BYTES;
        if bytes > self.size {
            let fault = format!(
                "{from_hz} needs too much memory to convert to {to_hz} Hz; send {to_hz}, 44100 or 48000"
            );
            return Err(refused(&fault));
        }
        (block > MAX_SHORT_BLOCK).then(|| self.reserve(bytes)).transpose()
    }
}

/// A recording in memory with its options.
pub(crate) struct Upload {
    /// Name of the file in the form; else `recording`.
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
    pub(crate) parameters: Parameters,
    /// The part of the budget, until the bytes are not needed any more.
    pub(crate) reserved: Option<OwnedSemaphorePermit>,
}

/// Longest name and text of a form field, bytes.
const MAX_FIELD: usize = 4096;

/// Name of a recording that has none.
const RECORDING: &str = "recording";

impl Upload {
    /// Reads the body.
    ///
    /// # Errors
    /// An error for a body that is too large, too slow, or not a form with a file.
    pub(crate) async fn read(request: Request, limits: &Limits, budget: &Budget) -> Result<Upload, ApiError> {
        let too_slow = |_| {
            let seconds = limits.body_timeout.as_secs();
            let message =
                format!("the body did not arrive within {seconds} s; send it faster, or a shorter one");
            ApiError::new(StatusCode::REQUEST_TIMEOUT, "too_slow", message)
        };
        timeout(limits.body_timeout, read(request, limits, budget)).await.map_err(too_slow)?
    }
}

async fn read(request: Request, limits: &Limits, budget: &Budget) -> Result<Upload, ApiError> {
    let mut body = Body { bytes: Vec::new(), first: 0, reserved: None, limits, budget };
    let length = request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    let announced = length.and_then(|length| length.parse::<u64>().ok());
    // A form has borders and headers beside the recording.
    if announced.is_some_and(|length| length > (limits.max_body_bytes + 2 * BLOCK) as u64) {
        return Err(body.too_large());
    }
    body.first = announced.map_or(0, |length| length.min(BLOCK as u64) as usize);
    let mut parameters = Parameters::of_query(request.uri().query())?;
    let content_type = request.headers().get(header::CONTENT_TYPE);
    let is_form = content_type
        .and_then(|kind| kind.to_str().ok())
        .is_some_and(|kind| kind.trim_start().to_ascii_lowercase().starts_with("multipart/"));
    let name = match is_form {
        true => body.read_form(request, &mut parameters).await?,
        false => {
            body.read_raw(request).await?;
            RECORDING.to_owned()
        }
    };
    let Body { bytes, reserved, .. } = body;
    if bytes.is_empty() {
        let message = "the request has no recording; send the bytes of a sound file as the body or as the form field `file`";
        return Err(ApiError::bad_request("no_recording", message));
    }
    Ok(Upload { name, bytes, parameters, reserved })
}

/// Body that is read piece by piece.
struct Body<'a> {
    bytes: Vec<u8>,
    /// Bytes that are allocated with the first ones, at most a block.
    first: usize,
    reserved: Option<OwnedSemaphorePermit>,
    limits: &'a Limits,
    budget: &'a Budget,
}

impl Body<'_> {
    fn too_large(&self) -> ApiError {
        let max = self.limits.max_body_bytes;
        ApiError::too_large(format!(
            "the body has more than {max} bytes; send a shorter or compressed recording"
        ))
    }

    /// Adds bytes, within the limits.
    fn add(&mut self, bytes: &Bytes) -> Result<(), ApiError> {
        let length = self.bytes.len() + bytes.len();
        if length > self.limits.max_body_bytes {
            return Err(self.too_large());
        }
        let held = self.reserved.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let needed = length.div_ceil(BLOCK).saturating_sub(held);
        if needed > 0 {
            let more = self.budget.reserve(needed * BLOCK)?;
            match &mut self.reserved {
                Some(reserved) => reserved.merge(more),
                None => self.reserved = Some(more),
            }
        }
        if self.bytes.is_empty() {
            self.bytes.reserve(self.first);
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    async fn read_raw(&mut self, request: Request) -> Result<(), ApiError> {
        let mut body = request.into_body();
        while let Some(frame) = body.frame().await {
            let broken = |_| ApiError::bad_request("bad_body", "the body ended early; send all of it");
            if let Ok(bytes) = frame.map_err(broken)?.into_data() {
                self.add(&bytes)?;
            }
        }
        Ok(())
    }

    /// Reads the field `file`, and options from the other fields; returns the name of the file.
    async fn read_form(&mut self, request: Request, parameters: &mut Parameters) -> Result<String, ApiError> {
        let bad_form = |text: String| {
            let message =
                format!("{}; send multipart/form-data with the field `file`", text.trim_end_matches('.'));
            ApiError::bad_request("bad_form", message)
        };
        let max = self.limits.max_body_bytes;
        let error = |error: axum::extract::multipart::MultipartError| match error.status() {
            StatusCode::PAYLOAD_TOO_LARGE => {
                ApiError::too_large(format!("the form has more than {max} bytes; send a shorter recording"))
            }
            _ => bad_form(error.body_text()),
        };
        let mut form = Multipart::from_request(request, &())
            .await
            .map_err(|rejection| bad_form(rejection.body_text()))?;
        let mut name = None;
        while let Some(mut field) = form.next_field().await.map_err(error)? {
            let field_name = field.name().unwrap_or_default().to_owned();
            if field_name == "file" {
                if name.is_some() {
                    return Err(bad_form("the form has two files".into()));
                }
                let file = field.file_name().filter(|name| !name.is_empty() && name.len() <= MAX_FIELD);
                name = Some(file.unwrap_or(RECORDING).to_owned());
                while let Some(bytes) = field.chunk().await.map_err(error)? {
                    self.add(&bytes)?;
                }
                continue;
            }
            let mut text = Vec::new();
            while let Some(bytes) = field.chunk().await.map_err(error)? {
                if text.len() + bytes.len() > MAX_FIELD {
                    return Err(bad_form(format!(
                        "the field {field_name:?} has more than {MAX_FIELD} bytes"
                    )));
                }
                text.extend_from_slice(&bytes);
            }
            let text = String::from_utf8(text)
                .map_err(|_| bad_form(format!("the field {field_name:?} is not UTF-8")))?;
            parameters.add(field_name, text)?;
        }
        name.ok_or_else(|| bad_form("the form has no field `file`".into()))
    }
}
