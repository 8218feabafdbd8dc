"""Keys, signatures and sealing: the only package that imports a cipher or starts gpg (design §4).

Journey: ``gpghome`` and ``gpg`` run the real gpg; ``keystate`` and ``signatures`` judge what it
says; ``openpgp`` signs, encrypts, verifies and decrypts; ``pins`` and ``keys`` hold whose key is
whose; ``sealing`` and ``memory`` protect what rests here; ``zips`` and ``excel`` are what a
recipient opens with a password.
"""
