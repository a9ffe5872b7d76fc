//! What the demo shop sells.

/// A lamp.
#[derive(Debug)]
pub(super) struct Product {
    /// Stock keeping unit.
    pub(super) sku: &'static str,
    /// Price as shown.
    pub(super) price: &'static str,
    /// The demo buyer's order of it.
    pub(super) order: &'static str,
    /// When it was placed.
    pub(super) placed: &'static str,
    /// Picture, an SVG document.
    pub(super) picture: &'static str,
}

/// All of them.
pub(super) const PRODUCTS: [Product; 3] = [
    Product {
        sku: "LAMP-01",
        price: "€ 189.00",
        order: "LC-10482",
        placed: "2026-11-12",
        picture: include_str!("pictures/aurora.svg"),
    },
    Product {
        sku: "LAMP-02",
        price: "€ 249.00",
        order: "LC-10517",
        placed: "2026-11-14",
        picture: include_str!("pictures/fjord.svg"),
    },
    Product {
        sku: "LAMP-03",
        price: "€ 59.00",
        order: "LC-10560",
        placed: "2026-11-17",
        picture: include_str!("pictures/pico.svg"),
    },
];

/// The one of a SKU.
pub(super) fn find(sku: &str) -> Option<(usize, &'static Product)> {
    PRODUCTS.iter().enumerate().find(|(_, product)| product.sku == sku)
}
