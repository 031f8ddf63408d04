/** The present as in Date (RFC 9110, 5.6.7): made anew once a second, not for each answer. */

export function createDate(now: () => number = Date.now): () => string {
  let second = -1;
  let text = "";
  return () => {
    const present = Math.floor(now() / 1000);
    if (present !== second) {
      second = present;
      text = new Date(present * 1000).toUTCString();
    }
    return text;
  };
}
