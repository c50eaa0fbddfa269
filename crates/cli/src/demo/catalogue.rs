//! What the shop sells, who buys, and the orders of a run: all of it drawn from the seed.
//!
//! Stock, points and coupons are in the coordinator's ledger; cards are in the payment service. Some products, points and
//! cards are made scarce on purpose, and some coupons are offered twice, so that a few orders in a hundred are refused for
//! each reason. Quantities are whole units, points and cents; a point pays one cent. Read next: `opening.rs`, `orders.rs`.

use super::args::Role;

const PRODUCTS: usize = 40;
const CUSTOMERS: usize = 200;
/// One in so many products is scarce, and so are one in so many customers' points and other customers' cards.
const SCARCE_EVERY: usize = 20;
/// So many coupons has each customer for each ten orders of theirs; about one order in five uses one.
const COUPONS: usize = 3;
const COUPON_PER_CENT: u32 = 20;
const COUPON_CENTS: i64 = 100;

/// What an order takes out of the ledger by a hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Good {
    /// Units of a product; each product is an asset of its own.
    Stock,
    /// A customer's points; all points are one asset.
    Points,
}

impl Good {
    /// Both, in the order in which the branches are listed.
    pub(crate) const ALL: [Good; 2] = [Good::Stock, Good::Points];

    /// The branch's id.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Good::Stock => "stock",
            Good::Points => "points",
        }
    }

    /// Whether an asset of the ledger is of this sort.
    pub(crate) fn has(self, asset: &str) -> bool {
        match self {
            Good::Stock => asset.starts_with("product-"),
            Good::Points => asset == POINTS,
        }
    }
}

const POINTS: &str = "points";

/// The account out of which value comes into being: what it lacks is what was ever delivered.
pub(crate) const SOURCE: &str = "source:";
/// Where buyers take from.
pub(crate) const FREE: &str = "free:";
/// What was taken for good.
pub(crate) const TAKEN: &str = "taken:";

/// Something that can run out: its id and how much there is at the opening.
pub(crate) struct Pot {
    /// Unique within its service, or an account of the ledger.
    pub(crate) id: String,
    /// Units, points or cents.
    pub(crate) opening: i64,
}

/// A pot in the ledger.
pub(crate) struct Supply {
    /// What is counted.
    pub(crate) asset: String,
    /// The account of it out of which buyers take, and how much there is.
    pub(crate) pot: Pot,
}

/// A coupon, and whose it is.
pub(crate) struct Coupon {
    /// The item's id.
    pub(crate) id: String,
    /// The customer.
    pub(crate) owner: String,
}

/// What a hold branch of an order asks for.
pub(crate) struct Taking {
    /// The account that it takes from.
    pub(crate) from: String,
    /// The account that it is for.
    pub(crate) to: String,
    /// How much.
    pub(crate) amount: i64,
}

/// One order: what each service and the ledger are asked for.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    /// The transaction's id.
    pub(crate) id: String,
    /// The coupon it uses, if any.
    pub(crate) coupon: Option<String>,
    /// Whose order it is.
    pub(crate) customer: String,
    product: String,
    units: i64,
    points: i64,
    cents: i64,
}

impl Order {
    /// Out of which pot of that service, and how much.
    pub(crate) fn asks(&self, role: Role) -> (&str, i64) {
        match role {
            Role::Order => (&self.customer, self.points + self.cents),
            Role::Payment => (&self.customer, self.cents),
        }
    }

    /// Out of which account of the ledger, and how much.
    pub(crate) fn takes(&self, good: Good) -> Taking {
        let (from, asset, amount) = match good {
            Good::Stock => (&self.product, self.product.as_str(), self.units),
            Good::Points => (&self.customer, POINTS, self.points),
        };
        Taking { from: format!("{FREE}{from}"), to: format!("{TAKEN}{asset}"), amount }
    }
}

/// The pots of one service before the first of `orders` orders; the order book has none.
pub(crate) fn pots(role: Role, orders: u32) -> Vec<Pot> {
    let per = |count: usize| i64::from(orders) / count as i64;
    match role {
        Role::Order => Vec::new(),
        Role::Payment => {
            let stint = Stint {
                scarce_at: 15,
                ample: 40_000 * per(CUSTOMERS) + 1_000_000,
                scarce: 1_200 * per(CUSTOMERS),
            };
            (0..CUSTOMERS).map(|n| Pot { id: format!("customer-{n}"), opening: stint.of(n) }).collect()
        }
    }
}

/// What the ledger holds before the first of `orders` orders.
pub(crate) fn supplies(orders: u32) -> Vec<Supply> {
    let per = |count: usize| i64::from(orders) / count as i64;
    let stock = Stint { scarce_at: 10, ample: 6 * per(PRODUCTS) + 100, scarce: per(PRODUCTS) };
    let points = Stint { scarce_at: 5, ample: 600 * per(CUSTOMERS) + 20_000, scarce: 60 * per(CUSTOMERS) };
    let supply = |asset: String, holder: String, opening: i64| Supply {
        asset,
        pot: Pot { id: format!("{FREE}{holder}"), opening },
    };
    let products = (0..PRODUCTS).map(|n| (n, format!("product-{n}")));
    let customers = (0..CUSTOMERS).map(|n| (n, format!("customer-{n}")));
    products
        .map(|(n, name)| supply(name.clone(), name, stock.of(n)))
        .chain(customers.map(|(n, name)| supply(POINTS.to_owned(), name, points.of(n))))
        .collect()
}

/// How much there is of the n-th.
struct Stint {
    scarce_at: usize,
    ample: i64,
    scarce: i64,
}

impl Stint {
    fn of(&self, n: usize) -> i64 {
        if n % SCARCE_EVERY == self.scarce_at { self.scarce } else { self.ample }
    }
}

/// How many coupons each customer has.
fn coupons_each(orders: u32) -> usize {
    COUPONS * (1 + orders as usize / (10 * CUSTOMERS))
}

/// All coupons.
pub(crate) fn coupons(orders: u32) -> Vec<Coupon> {
    let of = |customer: usize| {
        let owner = format!("customer-{customer}");
        (0..coupons_each(orders))
            .map(move |n| Coupon { id: format!("coupon:{owner}:{n}"), owner: owner.clone() })
    };
    (0..CUSTOMERS).flat_map(of).collect()
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
            let customer = format!("customer-{}", draw.usize(0..CUSTOMERS));
            let coupon = (draw.u32(0..100) < COUPON_PER_CENT)
                .then(|| format!("coupon:{customer}:{}", draw.usize(0..coupons_each(count))));
            let off = coupon.as_ref().map_or(0, |_| COUPON_CENTS);
            Order {
                id: format!("order-{number}"),
                coupon,
                product: format!("product-{product}"),
                customer,
                units,
                points,
                cents: units * price - points - off,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_order_takes_what_the_ledger_has() {
        let pots: HashSet<String> = supplies(500).into_iter().map(|supply| supply.pot.id).collect();
        let coupons: HashSet<(String, String)> =
            coupons(500).into_iter().map(|it| (it.id, it.owner)).collect();
        let mut with_coupon = 0;
        for order in orders(500, 3) {
            for good in Good::ALL {
                let taking = order.takes(good);
                assert!(pots.contains(&taking.from), "{}", taking.from);
                assert!(good.has(&taking.to[TAKEN.len()..]) && taking.amount > 0, "{}", taking.to);
            }
            assert!(order.asks(Role::Payment).1 > 0);
            if let Some(coupon) = order.coupon {
                with_coupon += 1;
                assert!(coupons.contains(&(coupon, order.customer)));
            }
        }
        assert!((60..140).contains(&with_coupon), "about one in five: {with_coupon}");
    }
}
