// Figures and times as text. A minus is U+2212, as everywhere on the pages.
const minus = (text) => text.replace(/^-/, "−");
const number = (options) => {
  const format = new Intl.NumberFormat("en-US", options);
  return (value) => minus(format.format(Object.is(value, -0) ? 0 : value));
};
const usd = { style: "currency", currency: "USD" };
const signed = { signDisplay: "exceptZero" };

export const dollars = number(usd);
export const wholeDollars = number({ ...usd, maximumFractionDigits: 0 });
export const signedDollars = number({ ...usd, ...signed });
export const signedWholeDollars = number({ ...usd, ...signed, maximumFractionDigits: 0 });
export const decimals = (digits) => number({ minimumFractionDigits: digits, maximumFractionDigits: digits });
export const signedDecimals = (digits) =>
  number({ minimumFractionDigits: digits, maximumFractionDigits: digits, ...signed });
export const figure = (value) => number({ maximumFractionDigits: Math.abs(value) < 0.1 ? 4 : 2 })(value);
export const whole = number({ maximumFractionDigits: 0 });
export const shares = number({ maximumFractionDigits: 9 });
export const fraction = number({ style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1 });
export const volume = number({ notation: "compact", maximumFractionDigits: 1, minimumFractionDigits: 1 });
const twoDecimals = decimals(2);
const twoSigned = signedDecimals(2);
export const percent = (value) => `${twoDecimals(value)}%`;
export const signedPercent = (value) => `${twoSigned(value)}%`;

// Two decimals; four for prices below one dollar.
export const priceFormat = (values) => decimals(values.every((value) => Math.abs(value ?? 0) < 1) ? 4 : 2);

// --- Time: a chart counts in seconds; those of bars within a day are moved so that the axis shows New York time ---

const newYork = new Intl.DateTimeFormat("en-US", {
  timeZone: "America/New_York",
  hourCycle: "h23",
  year: "numeric",
  month: "numeric",
  day: "numeric",
  hour: "numeric",
});
const offsets = new Map();
function offset(seconds) {
  const hour = Math.floor(seconds / 3600);
  if (!offsets.has(hour)) {
    const part = Object.fromEntries(newYork.formatToParts(hour * 3600e3).map(({ type, value }) => [type, +value]));
    offsets.set(hour, Date.UTC(part.year, part.month - 1, part.day, part.hour) / 1000 - hour * 3600);
  }
  return offsets.get(hour);
}

const DAY = 86400;
// From the JSON: days since 1970 when the unit is "day", else unix seconds.
export const chartTime = (time, unit) => (unit === "day" ? time * DAY : time + offset(time));
// From an attribute: "2012-03-05", or unix seconds.
export const timeOf = (text) => (/^\d+$/.test(text) ? Number(text) + offset(Number(text)) : Date.parse(text) / 1000);
export function timeText(time, unit) {
  const text = new Date(time * 1000).toISOString();
  return unit === "day" ? text.slice(0, 10) : `${text.slice(0, 10)} ${text.slice(11, 16)}`;
}
