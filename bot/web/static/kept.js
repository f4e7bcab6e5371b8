// What this browser remembers of its reader's wishes; one that remembers nothing works all the same.
export function kept(name) {
  try {
    return localStorage.getItem(`tocsin.${name}`) ?? "";
  } catch {
    return "";
  }
}

export function keep(name, value) {
  try {
    localStorage.setItem(`tocsin.${name}`, value);
  } catch {
    // it holds for this page then
  }
}
