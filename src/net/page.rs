//! The page and the client library, built by `web/` and part of the binary.

/// One embedded file.
#[derive(Debug)]
pub struct File {
    /// Its name, without a slash.
    pub name: &'static str,
    /// Its media type.
    pub kind: &'static str,
    /// What it holds.
    pub bytes: &'static [u8],
}

const SCRIPT: &str = "text/javascript; charset=utf-8";

/// All embedded files.
pub const FILES: &[File] = &[
    File {
        name: "index.html",
        kind: "text/html; charset=utf-8",
        bytes: include_bytes!("../../web/dist/index.html"),
    },
    File {
        name: "icon.svg",
        kind: "image/svg+xml",
        bytes: include_bytes!("../../web/dist/icon.svg"),
    },
    File {
        name: "page.css",
        kind: "text/css; charset=utf-8",
        bytes: include_bytes!("../../web/dist/page.css"),
    },
    File {
        name: "page.js",
        kind: SCRIPT,
        bytes: include_bytes!("../../web/dist/page.js"),
    },
    File {
        name: "crosspoint.js",
        kind: SCRIPT,
        bytes: include_bytes!("../../web/dist/crosspoint.js"),
    },
];
