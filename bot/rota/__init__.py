"""Who is on call at any instant, by rotas in the wall-clock time of a zone: pure, proven across clock changes."""
