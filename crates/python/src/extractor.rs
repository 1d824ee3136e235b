//! Extractors of the toolkits.

use std::sync::OnceLock;

use num_complex::Complex;
use numpy::Element;
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use stapes::features::{
    Extractor as Toolkit, FeatureError, KaldiFbankConfig, KaldiMfccConfig, LibrosaComplexStft,
    LibrosaMelConfig, LibrosaMelDbConfig, LibrosaMfccConfig, LibrosaStftConfig, PsfFbankConfig,
    PsfLogFbankConfig, PsfMfccConfig, Sample, TorchaudioMelConfig, TorchaudioMelDbConfig,
    TorchaudioMfccConfig,
};

use crate::arrays::{Samples, matrix, read};
use crate::error::{exception, parse, value_error};
use crate::events::parallel;
use crate::pool::Pool;

/// Extractor that can be cloned behind a pointer.
trait DynExtractor<S: Sample>: Toolkit<S> + Send + Sync {
    fn boxed_clone(&self) -> Box<dyn DynExtractor<S>>;
}

impl<S: Sample, E: Toolkit<S> + Clone + Send + Sync + 'static> DynExtractor<S> for E {
    fn boxed_clone(&self) -> Box<dyn DynExtractor<S>> {
        Box::new(self.clone())
    }
}

type Extractors<S> = Pool<Box<dyn DynExtractor<S>>, Box<dyn DynExtractor<S>>>;

/// Settings of a toolkit's function.
enum Config {
    LibrosaStft(LibrosaStftConfig),
    LibrosaMel(LibrosaMelConfig),
    LibrosaMelDb(LibrosaMelDbConfig),
    LibrosaMfcc(LibrosaMfccConfig),
    PsfMfcc(PsfMfccConfig),
    PsfLogFbank(PsfLogFbankConfig),
    PsfFbank(PsfFbankConfig),
    KaldiMfcc(KaldiMfccConfig),
    KaldiFbank(KaldiFbankConfig),
    TorchaudioMel(TorchaudioMelConfig),
    TorchaudioMelDb(TorchaudioMelDbConfig),
    TorchaudioMfcc(TorchaudioMfccConfig),
}

impl Config {
    fn read(name: &str, settings: &str) -> PyResult<Config> {
        Ok(match name {
            "librosa-stft" => Config::LibrosaStft(parse(settings)?),
            "librosa-mel" => Config::LibrosaMel(parse(settings)?),
            "librosa-mel-db" => Config::LibrosaMelDb(parse(settings)?),
            "librosa-mfcc" => Config::LibrosaMfcc(parse(settings)?),
            "psf-mfcc" => Config::PsfMfcc(parse(settings)?),
            "psf-logfbank" => Config::PsfLogFbank(parse(settings)?),
            "psf-fbank" => Config::PsfFbank(parse(settings)?),
            "kaldi-mfcc" => Config::KaldiMfcc(parse(settings)?),
            "kaldi-fbank" => Config::KaldiFbank(parse(settings)?),
            "torchaudio-mel" => Config::TorchaudioMel(parse(settings)?),
            "torchaudio-mel-db" => Config::TorchaudioMelDb(parse(settings)?),
            "torchaudio-mfcc" => Config::TorchaudioMfcc(parse(settings)?),
            _ => return Err(value_error(format!("{name}: unknown front end"))),
        })
    }

    /// Builds the extractor for f32.
    fn single(&self, rate_hz: u32) -> Result<Box<dyn DynExtractor<f32>>, FeatureError> {
        Ok(match self {
            Config::KaldiMfcc(config) => Box::new(config.init(rate_hz)?),
            Config::KaldiFbank(config) => Box::new(config.init(rate_hz)?),
            Config::TorchaudioMel(config) => Box::new(config.init(rate_hz)?),
            Config::TorchaudioMelDb(config) => Box::new(config.init(rate_hz)?),
            Config::TorchaudioMfcc(config) => Box::new(config.init(rate_hz)?),
            other => return other.generic(rate_hz),
        })
    }

    /// Builds the extractor for f64; `None` if the toolkit computes in f32 only.
    fn double(&self, rate_hz: u32) -> Option<Result<Box<dyn DynExtractor<f64>>, FeatureError>> {
        match self {
            Config::KaldiMfcc(_)
            | Config::KaldiFbank(_)
            | Config::TorchaudioMel(_)
            | Config::TorchaudioMelDb(_)
            | Config::TorchaudioMfcc(_) => None,
            other => Some(other.generic(rate_hz)),
        }
    }

    /// Builds the extractor of a toolkit that computes in the type of the samples.
    fn generic<S: Sample>(&self, rate_hz: u32) -> Result<Box<dyn DynExtractor<S>>, FeatureError> {
        Ok(match self {
            Config::LibrosaStft(config) => Box::new(config.init()?),
            Config::LibrosaMel(config) => Box::new(config.init::<S>(rate_hz)?),
            Config::LibrosaMelDb(config) => Box::new(config.init::<S>(rate_hz)?),
            Config::LibrosaMfcc(config) => Box::new(config.init::<S>(rate_hz)?),
            Config::PsfMfcc(config) => Box::new(config.init::<S>(rate_hz)?),
            Config::PsfLogFbank(config) => Box::new(config.init::<S>(rate_hz)?),
            Config::PsfFbank(config) => Box::new(config.init_with_total::<S>(rate_hz)?),
            _ => unreachable!("the other toolkits compute in f32"),
        })
    }
}

/// Extractor of a toolkit's features, for any thread.
#[pyclass(frozen, module = "stapes._native")]
pub(crate) struct Extractor {
    config: Config,
    rate_hz: u32,
    single: Extractors<f32>,
    /// Built when the first f64 samples come.
    double: OnceLock<Extractors<f64>>,
    complex: Option<Pool<LibrosaComplexStft, LibrosaComplexStft>>,
}

impl Extractor {
    /// Returns the extractors for f64; `None` if the toolkit computes in f32.
    fn double(&self) -> PyResult<Option<&Extractors<f64>>> {
        if let Some(built) = self.double.get() {
            return Ok(Some(built));
        }
        let Some(built) = self.config.double(self.rate_hz) else { return Ok(None) };
        let built = built.map_err(exception)?;
        Ok(Some(self.double.get_or_init(|| Pool::new(built, |extractor| (**extractor).boxed_clone()))))
    }
}

#[pymethods]
impl Extractor {
    /// Builds the tables of a front end from its settings as JSON.
    #[new]
    fn new(name: &str, sample_rate: u32, settings: &str) -> PyResult<Extractor> {
        let config = Config::read(name, settings)?;
        let single = config.single(sample_rate).map_err(exception)?;
        let complex = match &config {
            Config::LibrosaStft(stft) => {
                Some(Pool::new(stft.init_complex().map_err(exception)?, LibrosaComplexStft::clone))
            }
            _ => None,
        };
        Ok(Extractor {
            config,
            rate_hz: sample_rate,
            single: Pool::new(single, |extractor| (**extractor).boxed_clone()),
            double: OnceLock::new(),
            complex,
        })
    }

    /// Number of values per frame.
    #[getter]
    fn width(&self) -> usize {
        self.single.prototype().width()
    }

    /// Returns the number of frames of a clip.
    fn frames_for(&self, samples: usize) -> usize {
        self.single.prototype().frames_for(samples)
    }

    /// Returns the features of a clip, [T, F].
    fn extract<'py>(&self, py: Python<'py>, samples: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        match Samples::read(samples)? {
            Samples::F32(samples) => extract_one(py, &self.single, samples.as_slice()?),
            Samples::F64(array) => match self.double()? {
                Some(double) => extract_one(py, double, array.as_slice()?),
                None => extract_one(py, &self.single, read::<f32>(samples)?.as_slice()?),
            },
        }
    }

    /// Returns the features of clips, computed in parallel, as a list of [T, F].
    fn extract_many<'py>(
        &self,
        py: Python<'py>,
        clips: Vec<Bound<'py, PyAny>>,
    ) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let is_double =
            |clip: &Bound<'py, PyAny>| Ok::<_, PyErr>(matches!(Samples::read(clip)?, Samples::F64(_)));
        let any_double = clips.iter().map(is_double).collect::<PyResult<Vec<_>>>()?.contains(&true);
        match self.double()?.filter(|_| any_double) {
            Some(double) => extract_all(py, double, &clips),
            None => extract_all(py, &self.single, &clips),
        }
    }

    /// Returns the spectra of a clip with their phases, [T, bins], complex.
    fn spectra<'py>(&self, py: Python<'py>, samples: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let Some(complex) = &self.complex else {
            return Err(value_error("only librosa's stft has phases"));
        };
        fn compute<'py, S: Sample>(
            py: Python<'py>,
            complex: &Pool<LibrosaComplexStft, LibrosaComplexStft>,
            samples: &[S],
        ) -> PyResult<Bound<'py, PyAny>>
        where
            Complex<S>: Element,
        {
            let spectra = py.detach(|| complex.with(|stft| stft.extract(samples))).map_err(exception)?;
            matrix(py, complex.prototype().width(), spectra)?.into_bound_py_any(py)
        }
        match Samples::read(samples)? {
            Samples::F32(samples) => compute(py, complex, samples.as_slice()?),
            Samples::F64(samples) => compute(py, complex, samples.as_slice()?),
        }
    }
}

fn extract_one<'py, S: Sample + Element>(
    py: Python<'py>,
    extractors: &Extractors<S>,
    samples: &[S],
) -> PyResult<Bound<'py, PyAny>> {
    let mut values = Vec::new();
    let extracted = py.detach(|| extractors.with(|extractor| extractor.extract_into(samples, &mut values)));
    extracted.map_err(exception)?;
    matrix(py, extractors.prototype().width(), values)?.into_bound_py_any(py)
}

fn extract_all<'py, S: Sample + Element>(
    py: Python<'py>,
    extractors: &Extractors<S>,
    clips: &[Bound<'py, PyAny>],
) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let arrays = clips.iter().map(read::<S>).collect::<PyResult<Vec<_>>>()?;
    let slices = arrays.iter().map(|array| Ok(array.as_slice()?)).collect::<PyResult<Vec<&[S]>>>()?;
    let extract = |_: &mut (), index: usize, samples: &&[S]| {
        let mut values = Vec::new();
        match extractors.with(|extractor| extractor.extract_into(samples, &mut values)) {
            Ok(_) => Ok(values),
            Err(error) => Err((index, error)),
        }
    };
    let all = parallel(py, &slices, || (), extract)?;
    let all = all.map_err(|(index, error)| value_error(format!("clip {index}: {error}")))?;
    let width = extractors.prototype().width();
    all.into_iter().map(|values| matrix(py, width, values)?.into_bound_py_any(py)).collect()
}
