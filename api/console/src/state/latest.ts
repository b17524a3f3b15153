// For what may be asked for again before it was answered: begun by what is called, each asking gets a function that
// tells whether it is the latest still. The answer to an earlier one may come last, and is nothing to show then.
export function useLatest(): () => () => boolean {
  let asked = 0;
  return () => {
    asked += 1;
    const mine = asked;
    return () => mine === asked;
  };
}
