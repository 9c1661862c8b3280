//! What the shop sells: the items that `back` keeps and `front` prices.

/// An item and its price for one.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) name: &'static str,
    pub(crate) cents: u64,
}

pub(crate) const ITEMS: [Item; 4] = [
    Item { name: "lamp", cents: 4_900 },
    Item { name: "mirror", cents: 12_500 },
    Item { name: "prism", cents: 1_750 },
    Item { name: "shutter", cents: 8_000 },
];

/// From this number of pieces on, this many percent are taken off; the highest step comes last.
const DISCOUNTS: [(u64, u64); 2] = [(3, 5), (5, 12)];
const TAX_PERCENT: u64 = 19;

/// The price of `quantity` pieces in cents, with discount and tax, rounded half up at each step.
pub(crate) fn price_cents(item: &Item, quantity: u64) -> u64 {
    let earned = DISCOUNTS.iter().rev().find(|(pieces, _)| quantity >= *pieces);
    let discount_percent = earned.map_or(0, |(_, percent)| *percent);
    let net = percent(item.cents * quantity, 100 - discount_percent);
    net + percent(net, TAX_PERCENT)
}

fn percent(cents: u64, percent: u64) -> u64 {
    (cents * percent + 50) / 100
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_has_discount_and_tax() {
        let lamp = &ITEMS[0];
        // 49.00 + 9.31; 3 x 49.00 - 5 % = 139.65, + 26.53; 5 x 49.00 - 12 % = 215.60, + 40.96.
        assert_eq!([1, 3, 5].map(|quantity| price_cents(lamp, quantity)), [5_831, 16_618, 25_656]);
    }
}
