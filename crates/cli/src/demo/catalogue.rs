//! What the shop sells, who buys, and the orders of a run: all of it drawn from the seed.
//!
//! Some products, points and cards are made scarce on purpose, so that a few orders in a hundred are refused by each
//! service. Quantities are whole units, points and cents; a point pays one cent. Read next: `orders.rs`.

use super::args::Role;

const PRODUCTS: usize = 40;
const CUSTOMERS: usize = 200;
/// One in so many products is scarce, and so are one in so many customers' points and other customers' cards.
const SCARCE_EVERY: usize = 20;

/// Something that can run out: its id and how much there is at the opening.
pub(crate) struct Pot {
    /// Unique within its service.
    pub(crate) id: String,
    /// Units, points or cents.
    pub(crate) opening: i64,
}

/// One order: what each service is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    /// The transaction's id.
    pub(crate) id: String,
    product: String,
    customer: String,
    units: i64,
    points: i64,
    cents: i64,
}

impl Order {
    /// Out of which pot of that service, and how much.
    pub(crate) fn asks(&self, role: Role) -> (&str, i64) {
        match role {
            Role::Stock => (&self.product, self.units),
            Role::Points => (&self.customer, self.points),
            Role::Order => (&self.customer, self.points + self.cents),
            Role::Payment => (&self.customer, self.cents),
        }
    }
}

/// The pots of one service before the first of `orders` orders; the order book has none.
pub(crate) fn pots(role: Role, orders: u32) -> Vec<Pot> {
    let per = |count: usize| i64::from(orders) / count as i64;
    let (count, name, scarce_at, ample, scarce) = match role {
        Role::Stock => (PRODUCTS, "product", 10, 6 * per(PRODUCTS) + 100, per(PRODUCTS)),
        Role::Points => (CUSTOMERS, "customer", 5, 600 * per(CUSTOMERS) + 20_000, 60 * per(CUSTOMERS)),
        Role::Payment => {
            (CUSTOMERS, "customer", 15, 40_000 * per(CUSTOMERS) + 1_000_000, 1_200 * per(CUSTOMERS))
        }
        Role::Order => return Vec::new(),
    };
    let opening = |n: usize| if n % SCARCE_EVERY == scarce_at { scarce } else { ample };
    (0..count).map(|n| Pot { id: format!("{name}-{n}"), opening: opening(n) }).collect()
}

/// The orders of a run.
pub(crate) fn orders(count: u32, seed: u64) -> Vec<Order> {
    let mut draw = fastrand::Rng::with_seed(seed);
    (1..=count)
        .map(|number| {
            let product = draw.usize(0..PRODUCTS);
            let units = draw.i64(1..=3);
            let points = draw.i64(1..=30) * 10;
            let price = 500 + 50 * product as i64;
            Order {
                id: format!("order-{number}"),
                product: format!("product-{product}"),
                customer: format!("customer-{}", draw.usize(0..CUSTOMERS)),
                units,
                points,
                cents: units * price - points,
            }
        })
        .collect()
}
