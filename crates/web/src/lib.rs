//! Files for browsers: the page that `stapes serve` shows and `stapes export --to web` writes, and the style sheet that the report
//! pages share with it.
//!
//! The page is plain HTML, CSS and modules of JavaScript, without a build step. It imports `engine.js`, which computes: for the server
//! this is `page/engine-server.js`, for an exported model `page/engine-web.js` with the package in `npm`. All addresses in it are
//! relative.

/// File of a site.
#[derive(Clone, Copy, Debug)]
pub struct WebFile {
    /// Path below the site's root, such as `page.js`.
    pub path: &'static str,
    /// Media type for the header `Content-Type`.
    pub content_type: &'static str,
    /// Content.
    pub bytes: &'static [u8],
}

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";
const JSON: &str = "application/json";
const TEXT: &str = "text/plain; charset=utf-8";
const WASM: &str = "application/wasm";

/// Style sheet that all pages share: colors, text, tiles, tables. Light theme first; the dark one overrides its custom properties.
pub const BASE_CSS: &str = include_str!("../page/base.css");

/// Content security policy for a server that sends the page: nothing from other hosts, no inline code, no frames.
pub const SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; \
                                   media-src blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

macro_rules! files {
    ($($path:literal $content_type:ident $(from $source:literal)?,)*) => {
        &[$(WebFile {
            path: $path,
            content_type: $content_type,
            bytes: include_bytes!(files!(@source $path $($source)?)),
        }),*]
    };
    (@source $path:literal) => { concat!("../page/", $path) };
    (@source $path:literal $source:literal) => { concat!("../", $source) };
}

/// Files of the page without its engine.
pub const PAGE: &[WebFile] = files![
    "index.html" HTML,
    "base.css" CSS,
    "page.css" CSS,
    "icon.svg" SVG,
    "capture-worklet.js" JAVASCRIPT,
    "dom.js" JAVASCRIPT,
    "downloads.js" JAVASCRIPT,
    "events.js" JAVASCRIPT,
    "fft.js" JAVASCRIPT,
    "live.js" JAVASCRIPT,
    "models.js" JAVASCRIPT,
    "page.js" JAVASCRIPT,
    "recorder.js" JAVASCRIPT,
    "result.js" JAVASCRIPT,
    "sample-rate.js" JAVASCRIPT,
    "scores.js" JAVASCRIPT,
    "segments.js" JAVASCRIPT,
    "sound.js" JAVASCRIPT,
    "spectrogram.js" JAVASCRIPT,
    "timeline.js" JAVASCRIPT,
    "track.js" JAVASCRIPT,
    "view.js" JAVASCRIPT,
    "wav.js" JAVASCRIPT,
    "waveform.js" JAVASCRIPT,
];

/// The `engine.js` that calls the server from which the page came.
pub const SERVER_ENGINE: WebFile = WebFile {
    path: "engine.js",
    content_type: JAVASCRIPT,
    bytes: include_bytes!("../page/engine-server.js"),
};

/// The engine that computes in the browser, for the page of an exported model; it needs [`PACKAGE`] and [`WASM_MODULES`].
pub const BROWSER_ENGINE: &[WebFile] = files![
    "engine.js" JAVASCRIPT from "page/engine-web.js",
    "engine-worker.js" JAVASCRIPT,
    "service-worker.js" JAVASCRIPT,
];

/// The package for JavaScript without its WebAssembly modules.
pub const PACKAGE: &[WebFile] = files![
    "stapes/package.json" JSON from "npm/package.json",
    "stapes/README.md" TEXT from "npm/README.md",
    "stapes/stapes.js" JAVASCRIPT from "npm/stapes.js",
    "stapes/stapes.d.ts" TEXT from "npm/stapes.d.ts",
    "stapes/node.js" JAVASCRIPT from "npm/node.js",
    "stapes/node.d.ts" TEXT from "npm/node.d.ts",
    "stapes/worklet.js" JAVASCRIPT from "npm/worklet.js",
];

/// The WebAssembly modules of the package, with and without vector instructions. Their bytes are compressed by gzip; `npm/build`
/// writes them.
pub const WASM_MODULES: &[WebFile] = files![
    "stapes/stapes-simd.wasm" WASM from "npm/stapes-simd.wasm.gz",
    "stapes/stapes.wasm" WASM from "npm/stapes.wasm.gz",
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    /// Returns the names of relative modules that a file imports, and the files that the page links.
    fn references(text: &str) -> impl Iterator<Item = &str> {
        let starts = ["from \"./", "import(\"./", "new URL(\"", "src=\"", "href=\""];
        let after = move |start: &'static str| {
            text.match_indices(start).filter_map(move |(at, _)| text[at + start.len()..].split('"').next())
        };
        starts.into_iter().flat_map(after).filter(|name| !name.starts_with('#'))
    }

    #[test]
    fn every_file_of_the_folder_is_embedded_and_every_reference_is_a_file() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("page");
        let entries = std::fs::read_dir(folder).unwrap();
        let present: BTreeSet<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        let embedded: BTreeSet<&str> = PAGE.iter().map(|file| file.path).collect();
        let engines = [SERVER_ENGINE].iter().chain(BROWSER_ENGINE).count();
        assert_eq!(present.len(), embedded.len() + engines, "{present:?}");
        let exported: BTreeSet<&str> = embedded
            .iter()
            .copied()
            .chain(BROWSER_ENGINE.iter().chain(PACKAGE).map(|file| file.path))
            .collect();
        for file in PAGE.iter().chain([&SERVER_ENGINE]).chain(BROWSER_ENGINE) {
            let text = std::str::from_utf8(file.bytes).unwrap();
            for name in references(text) {
                assert!(exported.contains(name), "{}: {name}", file.path);
            }
        }
        for file in PAGE.iter().chain([&SERVER_ENGINE]) {
            let text = std::str::from_utf8(file.bytes).unwrap();
            assert!(references(text).all(|name| embedded.contains(name) || name == SERVER_ENGINE.path));
        }
    }

    #[test]
    fn the_page_has_neither_inline_code_nor_addresses_of_other_hosts() {
        for file in PAGE.iter().chain([&SERVER_ENGINE]).chain(BROWSER_ENGINE).chain(PACKAGE) {
            let text = std::str::from_utf8(file.bytes).unwrap();
            let text = text.replace("xmlns=\"http://www.w3.org/2000/svg\"", "");
            assert!(!text.contains("http://") && !text.contains("https://"), "{}", file.path);
            if file.content_type == HTML {
                assert!(!text.contains("<style") && !text.contains("style="), "inline style");
                let is_handler = |word: &str| word.starts_with("on") && word.contains('=');
                assert!(!text.split_whitespace().any(is_handler), "inline handler");
                assert_eq!(
                    text.matches("<script").count(),
                    text.matches("<script type=\"module\" src=").count()
                );
            }
        }
    }
}
