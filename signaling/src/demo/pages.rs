//! The shop's pages. They are plain HTML without scripts of their own: all that Vitrine needs is the script tag
//! and the element on the product page.

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;
use jiff::Timestamp;
use serde::Deserialize;

use super::backend::{self, ShopKey};
use super::products::{PRODUCTS, Product, find};
use super::words::{ALL, Words, words};

/// What a shop with a strict policy has to allow for the widget: scripts, connections and media of our origin.
const POLICY: &str = "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
    img-src 'self' data: blob:; media-src 'self' blob:; worker-src 'self' blob:; connect-src 'self'; \
    object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'";

/// `?lang=` and `?sku=`.
#[derive(Default, Deserialize)]
struct Asked {
    #[serde(default)]
    lang: String,
    #[serde(default)]
    sku: String,
}

pub(super) fn router(key: ShopKey) -> Router {
    Router::new()
        .route("/demo", get(|| async { Redirect::permanent("/demo/") }))
        .route("/demo/", get(list))
        .route("/demo/p/{sku}", get(product))
        .route("/demo/token", get(token))
        .route("/demo/shop.css", get(style))
        .route("/demo/pictures/{file}", get(picture))
        .with_state(key)
}

/// What the shop's server does when the widget asks: signs who is buying and what.
async fn token(State(key): State<ShopKey>, Query(asked): Query<Asked>, headers: HeaderMap) -> Response {
    let Some((_, product)) = find(&asked.sku) else {
        return (StatusCode::NOT_FOUND, "no such product\n").into_response();
    };
    let words = words(&asked.lang);
    match backend::mint(&key, product, words, &origin(&headers), Timestamp::now()) {
        Ok(token) => {
            let kind = (header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
            ([kind, (header::CACHE_CONTROL, HeaderValue::from_static("no-store"))], token).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "the demo shop cannot sign a token");
            (StatusCode::INTERNAL_SERVER_ERROR, "the token cannot be signed\n").into_response()
        }
    }
}

/// Where the buyer sees the shop, as far as the request tells: for links that the shop signs.
fn origin(headers: &HeaderMap) -> String {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some((scheme, rest)) = text("referer").and_then(|referer| referer.split_once("://")) {
        return format!("{scheme}://{}", rest.split('/').next().unwrap_or_default());
    }
    format!("http://{}", text("host").unwrap_or("localhost"))
}

async fn list(Query(asked): Query<Asked>) -> Response {
    let words = words(&asked.lang);
    let mut cards = String::new();
    for product in &PRODUCTS {
        let text = words.of(product);
        cards.push_str(&format!(
            r#"<li><a class="card" href="/demo/p/{sku}?lang={lang}"><img src="/demo/pictures/{sku}.svg" alt="" width="480" height="480"><span class="row"><strong>{name}</strong><span class="price" dir="ltr">{price}</span></span><span class="muted">{short}</span><span class="more">{look}</span></a></li>"#,
            sku = product.sku,
            lang = words.language,
            name = text.name,
            price = product.price,
            short = text.short,
            look = words.look,
        ));
    }
    let main = format!(
        r#"<section class="hero"><h1>{tagline}</h1><p>{intro}</p></section><h2>{lamps}</h2><ul class="grid">{cards}</ul>"#,
        tagline = words.tagline,
        intro = words.intro,
        lamps = words.our_lamps,
    );
    page(StatusCode::OK, words, words.tagline, "", &main)
}

async fn product(Path(sku): Path<String>, Query(asked): Query<Asked>) -> Response {
    let words = words(&asked.lang);
    let Some((_, product)) = find(&sku) else {
        let main = format!(
            r#"<section class="hero"><h1>{}</h1><p><a href="/demo/?lang={}">{}</a></p></section>"#,
            words.not_found, words.language, words.back
        );
        return page(StatusCode::NOT_FOUND, words, words.not_found, "", &main);
    };
    let name = words.of(product).name;
    page(StatusCode::OK, words, name, &format!("p/{}", product.sku), &product_main(product, words))
}

fn product_main(product: &Product, words: &Words) -> String {
    let text = words.of(product);
    format!(
        r#"<p class="back"><a href="/demo/?lang={lang}">{back}</a></p>
<article class="product">
  <img class="picture" src="/demo/pictures/{sku}.svg" alt="{name}" width="480" height="480">
  <div class="about">
    <p class="muted" dir="ltr">{sku}</p>
    <h1>{name}</h1>
    <p class="price big" dir="ltr">{price}</p>
    <p>{long}</p>
    <section class="help">
      <h2>{help_title}</h2>
      <p>{help_text}</p>
      <script type="module" src="/widget.js"></script>
      <video-help token-url="/demo/token?sku={sku}&amp;lang={lang}" lang="{lang}"></video-help>
    </section>
    <dl>
      <div><dt>{your_order}</dt><dd><bdi>{order}</bdi> · {delivered} · <bdi>{placed}</bdi></dd></div>
      <div><dt>{details}</dt><dd>{in_stock}</dd></div>
    </dl>
  </div>
</article>"#,
        lang = words.language,
        back = words.back,
        sku = product.sku,
        name = text.name,
        price = product.price,
        long = text.long,
        help_title = words.help_title,
        help_text = words.help_text,
        your_order = words.your_order,
        order = product.order,
        delivered = words.delivered,
        placed = product.placed,
        details = words.details,
        in_stock = words.in_stock,
    )
}

fn page(status: StatusCode, words: &Words, title: &str, path: &str, main: &str) -> Response {
    let mut languages = String::new();
    for other in &ALL {
        let current = if other.language == words.language { " aria-current=\"true\"" } else { "" };
        languages.push_str(&format!(
            r#"<a href="/demo/{path}?lang={lang}" lang="{lang}" hreflang="{lang}"{current}>{name}</a>"#,
            lang = other.language,
            name = other.own_name,
        ));
    }
    let html = format!(
        r##"<!doctype html>
<html lang="{lang}" dir="{dir}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title} – Lumen &amp; Co.</title>
<link rel="stylesheet" href="/demo/shop.css">
<link rel="icon" href="/demo/pictures/logo.svg">
</head>
<body>
<header><a class="logo" href="/demo/?lang={lang}"><img src="/demo/pictures/logo.svg" alt="" width="32" height="32"><bdi>Lumen &amp; Co.</bdi></a><nav>{languages}</nav></header>
<main>
{main}
</main>
<footer>{note}</footer>
</body>
</html>
"##,
        lang = words.language,
        dir = words.dir,
        note = words.demo_note.replace('&', "&amp;"),
    );
    (status, [(header::CONTENT_SECURITY_POLICY, POLICY), (header::CACHE_CONTROL, "no-cache")], Html(html))
        .into_response()
}

async fn style() -> Response {
    (
        [(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, "no-cache")],
        include_str!("shop.css"),
    )
        .into_response()
}

async fn picture(Path(file): Path<String>) -> Response {
    let name = file.strip_suffix(".svg").unwrap_or_default();
    let picture = match name {
        "logo" => Some(include_str!("pictures/logo.svg")),
        sku => find(sku).map(|(_, product)| product.picture),
    };
    match picture {
        Some(svg) => {
            let headers = [(header::CONTENT_TYPE, "image/svg+xml"), (header::CACHE_CONTROL, "max-age=3600")];
            (headers, svg).into_response()
        }
        None => (StatusCode::NOT_FOUND, "no such picture\n").into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_that_the_shop_signs_lead_to_where_the_buyer_is() {
        let headers = |name: &'static str, value: &'static str| {
            HeaderMap::from_iter([(name.parse().unwrap(), HeaderValue::from_static(value))])
        };
        assert_eq!(
            origin(&headers("referer", "https://10.0.0.5:8443/demo/p/LAMP-01")),
            "https://10.0.0.5:8443"
        );
        assert_eq!(origin(&headers("host", "127.0.0.1:8080")), "http://127.0.0.1:8080");
    }

    #[test]
    fn every_page_carries_one_script_tag_and_one_element() {
        for words in &ALL {
            for product in &PRODUCTS {
                let html = product_main(product, words);
                assert_eq!(html.matches("<script").count(), 1);
                assert_eq!(html.matches("<video-help ").count(), 1);
            }
        }
    }
}
