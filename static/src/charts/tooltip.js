// What a fill was, beside the pointer: nothing is written on the chart itself.
import { element } from "./dom.js";
import * as format from "./format.js";

const REACH = 36; // pixels from the price of a fill, or from its bar

const VERBS = { buy: "Bought", sell: "Sold" };
const SIGNALS = { buy: "Buy signal", sell: "Sell signal" };

// A signal has no quantity: nothing was bought or sold yet.
const what = ({ side, quantity }) => (quantity === null ? SIGNALS[side] : `${VERBS[side]} ${format.shares(quantity)}`);

function lines(view, fill) {
  const trade = view.trades.trades[fill.trade ?? -1];
  const when = format.timeText(view.times[fill.at], view.unit);
  const head = element("p", "");
  head.append(
    element("b", "", `${what(fill)} at ${view.price(fill.price)}`),
    element("span", "muted", ` ${when}`),
  );
  const made = [head];
  if (fill.text) made.push(element("p", "", fill.text));
  if (fill.side === "sell" && trade && !trade.open) {
    const tone = trade.pnl < 0 ? "loss" : "gain";
    const r = trade.r === null || trade.r === undefined ? "" : ` ${format.signedDecimals(2)(trade.r)} R`;
    const since = format.timeText(format.chartTime(trade.entry_time, view.unit), view.unit);
    const result = element("p", "");
    result.append(
      element("b", tone, format.signedDollars(trade.pnl)),
      element("span", tone, r),
      element("span", "muted", ` bought ${since} at ${view.price(trade.entry)}`),
    );
    made.push(result);
  }
  return made;
}

export function fillNear(view, { time, logical, point }) {
  if (!time || !point) return undefined;
  const bar = view.main.dataByIndex(logical);
  const close = (level) => Math.abs((view.main.priceToCoordinate(level) ?? Infinity) - point.y) < REACH;
  return view.fills.findLast(
    (fill) => fill.at === logical && (close(fill.price) || (bar && close(fill.side === "buy" ? bar.low : bar.high))),
  );
}

export function addTooltip(view) {
  const box = element("div", "chart-tooltip");
  box.hidden = true;
  view.canvas.append(box);
  view.chart.subscribeCrosshairMove((param) => {
    const fill = fillNear(view, param);
    box.hidden = !fill;
    if (!fill) return;
    box.replaceChildren(...lines(view, fill));
    const { x, y } = param.point;
    const room = view.canvas.clientWidth - box.offsetWidth - 8;
    box.style.left = `${Math.max(Math.min(x + 16, room), 4)}px`;
    box.style.top = `${Math.max(y - box.offsetHeight - 16, 4)}px`;
  });
  view.chart.subscribeClick((param) => {
    const fill = fillNear(view, param);
    const trade = fill ? view.trades.trades[fill.trade ?? -1] : view.trades.at(param.logical ?? -1);
    if (trade) view.tell(trade);
  });
}
