//! The header is generated from the sources: `STAPES_WRITE_HEADER=1 cargo test -p stapes-c --test header` writes it.

use std::path::Path;

#[test]
fn the_header_is_that_of_the_sources() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut config = cbindgen::Config::from_file(folder.join("cbindgen.toml")).unwrap();
    config.after_includes = Some(format!(
        "\n// Version of the header.\n#define STAPES_VERSION \"{}\"",
        env!("CARGO_PKG_VERSION")
    ));
    let sources = ["boundary", "model", "options", "segments", "stream"]
        .map(|name| folder.join(format!("src/{name}.rs")));
    let builder = sources
        .iter()
        .fold(cbindgen::Builder::new().with_config(config), |builder, source| builder.with_src(source));
    let mut generated = Vec::new();
    builder.generate().unwrap().write(&mut generated);
    let generated = String::from_utf8(generated).unwrap();
    let path = folder.join("include/stapes.h");
    if std::env::var_os("STAPES_WRITE_HEADER").is_some() {
        std::fs::write(&path, &generated).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        generated == committed,
        "{} is not that of the sources; write it with STAPES_WRITE_HEADER=1 cargo test -p stapes-c --test header",
        path.display()
    );
}
